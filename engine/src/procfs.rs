//! Reads files of `/proc`.

/// Finds a value in the text of `/proc/<pid>/status`. Returns bytes; the file states kB.
pub(crate) fn status_bytes(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::status_bytes;

    #[test]
    fn values_of_a_status_file_are_found() {
        let text = "Name:\tx\nVmSize:\t  2048 kB\nVmRSS:\t 12 kB\n";
        assert_eq!(status_bytes(text, "VmSize:"), Some(2048 * 1024));
        assert_eq!(status_bytes(text, "VmRSS:"), Some(12 * 1024));
        assert_eq!(status_bytes(text, "VmSwap:"), None);
        assert_eq!(status_bytes("VmRSS: many kB", "VmRSS:"), None);
    }
}
