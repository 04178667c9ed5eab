//! A small disk in memory under a node's data, which can be filled and made read-only. Needs the right
//! to mount.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use nix::{
    errno::Errno,
    mount::{mount, umount2, MntFlags, MsFlags},
    sys::statvfs::statvfs,
};

/// What fills the disk.
const BALLAST: &str = "ballast";
const MIB: u64 = 1 << 20;

/// A mounted disk. Dropping it unmounts it, also while it is in use.
pub struct Disk(PathBuf);

impl Disk {
    /// Mounts a disk of this size at a new folder. `None` if this process may not mount.
    ///
    /// # Errors
    ///
    /// The folder cannot be made, or mounting fails for another reason.
    pub fn mount(folder: &Path, mib: u64) -> Result<Option<Self>> {
        std::fs::create_dir_all(folder)?;
        let size = format!("size={mib}m");
        let mounted =
            mount(Some("tmpfs"), folder, Some("tmpfs"), MsFlags::empty(), Some(size.as_str()));
        match mounted {
            Ok(()) => Ok(Some(Self(folder.to_owned()))),
            Err(Errno::EPERM | Errno::EACCES) => Ok(None),
            Err(error) => Err(error).context("cannot mount a disk"),
        }
    }

    /// Free space in bytes.
    ///
    /// # Errors
    ///
    /// The operating system does not say.
    pub fn free(&self) -> Result<u64> {
        let disk = statvfs(&self.0)?;
        Ok(u64::from(disk.blocks_available()) * u64::from(disk.fragment_size()))
    }

    /// Fills the disk, except for so many MiB.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn fill(&self, except_mib: u64) -> Result<()> {
        let mut file = File::create(self.0.join(BALLAST))?;
        let piece = vec![0; MIB as usize];
        while self.free()? > except_mib * MIB {
            file.write_all(&piece)?;
        }
        Ok(())
    }

    /// Removes what [`Disk::fill`] has written.
    ///
    /// # Errors
    ///
    /// It is not there.
    pub fn empty(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.0.join(BALLAST))?)
    }

    /// Makes the disk read-only, or writable again.
    ///
    /// # Errors
    ///
    /// A process writes to it.
    pub fn set_read_only(&self, read_only: bool) -> Result<()> {
        let mode = if read_only { MsFlags::MS_RDONLY } else { MsFlags::empty() };
        let flags = MsFlags::MS_REMOUNT | mode;
        mount(None::<&str>, &self.0, None::<&str>, flags, None::<&str>)
            .context("cannot mount the disk again")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Err(error) = umount2(&self.0, MntFlags::MNT_DETACH) {
            eprintln!("cannot unmount {}: {error}", self.0.display());
        }
    }
}
