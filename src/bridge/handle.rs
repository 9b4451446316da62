//! Rust objects that C++ holds by pointer.

use crate::error::{Error, Result};

/// Give an object to C++, which must return it to [`free`].
///
/// # Safety
/// `out` is valid for writing.
pub unsafe fn give<T>(out: *mut *mut T, object: T) {
    // SAFETY: the caller vouches for `out`.
    unsafe { out.write(Box::into_raw(Box::new(object))) };
}

/// Borrow an object that C++ holds.
///
/// # Safety
/// `handle` is null, or came from [`give`] and outlives `'a`.
pub unsafe fn borrow<'a, T>(handle: *const T) -> Result<&'a T> {
    // SAFETY: the caller vouches for it.
    unsafe { handle.as_ref() }.ok_or_else(|| Error::Panic("a null handle".to_string()))
}

/// Borrow an object that C++ holds, for a call that changes it.
///
/// # Safety
/// As [`borrow`], and no other borrow is alive.
pub unsafe fn borrow_mut<'a, T>(handle: *mut T) -> Result<&'a mut T> {
    // SAFETY: the caller vouches for it.
    unsafe { handle.as_mut() }.ok_or_else(|| Error::Panic("a null handle".to_string()))
}

/// Drop an object that C++ held.
///
/// # Safety
/// `handle` is null, or came from [`give`] and is not used again.
pub unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: not null, and the caller vouches for the rest.
        drop(unsafe { Box::from_raw(handle) });
    }
}
