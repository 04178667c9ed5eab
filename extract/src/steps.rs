//! Counts the bytes that are looked at, in tests only: these hold the time to its bound without a
//! clock.

#[cfg(not(test))]
pub(crate) fn count(_: usize) {}

#[cfg(test)]
pub(crate) use counted::{count, of};

#[cfg(test)]
mod counted {
    use std::cell::Cell;

    std::thread_local! {
        static STEPS: Cell<usize> = const { Cell::new(0) };
    }

    pub(crate) fn count(steps: usize) {
        STEPS.with(|total| total.set(total.get() + steps));
    }

    /// The steps of a function.
    pub(crate) fn of<T>(run: impl FnOnce() -> T) -> (usize, T) {
        let before = STEPS.with(Cell::get);
        let result = run();
        (STEPS.with(Cell::get) - before, result)
    }
}
