//! The one way out of Rust: results and panics become error handles.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use super::ffi::{DhError, DhErrorDetail, DhStr};
use crate::error::{Error, Result};

/// The handle that C++ sees, and the texts it points into.
#[repr(C)]
struct ErrorHandle {
    // First, so that a pointer to the handle is one to the view.
    view: DhError,
    class: String,
    message: String,
    extra_info: Vec<(String, String)>,
    details: Vec<DhErrorDetail>,
}

/// Run the body of a callback; null if it succeeds, an error handle if it fails or panics.
pub fn guard(body: impl FnOnce() -> Result<()>) -> *mut DhError {
    let outcome = catch_unwind(AssertUnwindSafe(body));
    match outcome {
        Ok(Ok(())) => ptr::null_mut(),
        Ok(Err(error)) => into_handle(&error),
        Err(panic) => into_handle(&Error::Panic(panic_text(&*panic))),
    }
}

/// Run the body of a callback that cannot fail, such as a destructor.
pub fn guard_infallible<T: Default>(body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_default()
}

/// Free an error handle.
pub extern "C" fn error_free(error: *mut DhError) {
    if !error.is_null() {
        // SAFETY: the handle was made by `into_handle`, and C++ frees it once.
        guard_infallible(|| drop(unsafe { Box::from_raw(error.cast::<ErrorHandle>()) }));
    }
}

fn into_handle(error: &Error) -> *mut DhError {
    let mut handle = Box::new(ErrorHandle {
        view: DhError {
            class_name: DhStr::NULL,
            message: DhStr::NULL,
            details: ptr::null(),
            detail_count: 0,
        },
        class: error.class().to_string(),
        message: error.to_string(),
        extra_info: error.extra_info(),
        details: Vec::new(),
    });
    handle.view.class_name = handle.class.as_str().into();
    handle.view.message = handle.message.as_str().into();
    let details = handle.extra_info.iter().map(|(name, value)| DhErrorDetail {
        name: name.as_str().into(),
        value: value.as_str().into(),
    });
    handle.details = details.collect();
    handle.view.details = handle.details.as_ptr();
    handle.view.detail_count = handle.details.len();
    Box::into_raw(handle).cast()
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic")
        .to_string()
}
