//! What DuckDB's file system of object stores calls, see `cpp/object_store/`.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use object_store::ObjectMeta;
use object_store::path::Path;

use super::location::Location;
use super::requests;
use super::stores;
use super::upload::Upload;
use crate::engine::error::EngineError;
use crate::engine::ffi::{
    self, DhEngineError, DhEngineInterrupt, DhEngineObject, DhEngineObjectStores, DhEngineObjectVisitor, DhEngineStr,
};

/// They need no context: stores belong to the process.
pub fn callbacks() -> DhEngineObjectStores {
    DhEngineObjectStores {
        head,
        is_folder,
        list,
        read,
        remove,
        copy,
        upload_begin,
        upload_write,
        upload_finish,
        upload_free,
    }
}

/// Turn errors and panics into a handle; null is success.
fn guard(body: impl FnOnce() -> Result<(), EngineError>) -> *mut DhEngineError {
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        let message = "A request to an object store failed unexpectedly; the server's log says more";
        Err(EngineError::new("IO", message))
    });
    match outcome {
        Ok(()) => ptr::null_mut(),
        // SAFETY: C++ copies both strings.
        Err(error) => unsafe {
            ffi::dh_engine_error_create(error.class.as_str().into(), error.message.as_str().into())
        },
    }
}

/// # Safety
/// The text lives for the call.
unsafe fn text<'a>(text: DhEngineStr) -> Result<&'a str, EngineError> {
    // SAFETY: the caller vouches for the bytes.
    let bytes = unsafe { text.as_bytes() };
    std::str::from_utf8(bytes).map_err(|_| EngineError::new("IO", "the URL of a file is not UTF-8"))
}

/// # Safety
/// The text lives for the call.
unsafe fn location(url: DhEngineStr) -> Result<Location, EngineError> {
    // SAFETY: the caller vouches for the text.
    Location::parse(unsafe { text(url) }?)
}

fn asks(interrupt: DhEngineInterrupt) -> impl Fn() -> bool {
    move || (interrupt.is_interrupted)(interrupt.context)
}

fn view(key: &Path) -> DhEngineStr {
    let text: &str = key.as_ref();
    text.into()
}

fn visit(visitor: &DhEngineObjectVisitor, object: &ObjectMeta) {
    let view = DhEngineObject {
        key: view(&object.location),
        size_bytes: object.size,
        modified_us: object.last_modified.timestamp_micros(),
        e_tag: object.e_tag.as_deref().unwrap_or_default().into(),
    };
    (visitor.object)(visitor.context, &view);
}

unsafe extern "C" fn head(
    url: DhEngineStr,
    interrupt: DhEngineInterrupt,
    visitor: *const DhEngineObjectVisitor,
) -> *mut DhEngineError {
    guard(|| {
        // SAFETY: C++ gives a text and a visitor that live for the call.
        let (location, visitor) = unsafe { (location(url)?, &*visitor) };
        let found = requests::head(&stores::open(&location)?, &location, &asks(interrupt))?;
        if let Some(object) = found {
            visit(visitor, &object);
        }
        Ok(())
    })
}

unsafe extern "C" fn is_folder(url: DhEngineStr, interrupt: DhEngineInterrupt, out: *mut bool) -> *mut DhEngineError {
    guard(|| {
        // SAFETY: C++ gives a text that lives for the call.
        let location = unsafe { location(url) }?;
        let found = requests::is_folder(&stores::open(&location)?, &location, &asks(interrupt))?;
        // SAFETY: C++ gives a place for the answer.
        unsafe { *out = found };
        Ok(())
    })
}

unsafe extern "C" fn list(
    url: DhEngineStr,
    is_recursive: bool,
    interrupt: DhEngineInterrupt,
    visitor: *const DhEngineObjectVisitor,
) -> *mut DhEngineError {
    guard(|| {
        // SAFETY: C++ gives a text and a visitor that live for the call.
        let (location, visitor) = unsafe { (location(url)?, &*visitor) };
        let listing = requests::list(&stores::open(&location)?, &location, is_recursive, &asks(interrupt))?;
        for object in &listing.objects {
            visit(visitor, object);
        }
        for folder in &listing.folders {
            (visitor.folder)(visitor.context, view(folder));
        }
        Ok(())
    })
}

unsafe extern "C" fn read(
    url: DhEngineStr,
    e_tag: DhEngineStr,
    offset: u64,
    count: u64,
    interrupt: DhEngineInterrupt,
    out: *mut u8,
) -> *mut DhEngineError {
    guard(|| {
        // SAFETY: C++ gives texts that live for the call.
        let (location, e_tag) = unsafe { (location(url)?, text(e_tag)?) };
        let e_tag = (!e_tag.is_empty()).then(|| e_tag.to_string());
        let range = offset..offset + count;
        let bytes = requests::read(&stores::open(&location)?, &location, e_tag, range, &asks(interrupt))?;
        if bytes.len() as u64 != count {
            let message = format!("Cannot read file \"{}\": it has become shorter", location.url());
            return Err(EngineError::new("IO", message));
        }
        // SAFETY: C++ gives a place for `count` bytes, which nothing else uses meanwhile.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), out, bytes.len()) };
        Ok(())
    })
}

unsafe extern "C" fn remove(url: DhEngineStr, interrupt: DhEngineInterrupt) -> *mut DhEngineError {
    guard(|| {
        // SAFETY: C++ gives a text that lives for the call.
        let location = unsafe { location(url) }?;
        requests::remove(&stores::open(&location)?, &location, &asks(interrupt))
    })
}

unsafe extern "C" fn copy(
    source: DhEngineStr,
    target: DhEngineStr,
    interrupt: DhEngineInterrupt,
) -> *mut DhEngineError {
    guard(|| {
        // SAFETY: C++ gives texts that live for the call.
        let (source, target) = unsafe { (location(source)?, location(target)?) };
        if source.store != target.store {
            let message = format!(
                "Cannot move file \"{}\" to \"{}\": it is another store",
                source.url(),
                target.url()
            );
            return Err(EngineError::new("IO", message));
        }
        requests::copy(&stores::open(&source)?, &source, &target, &asks(interrupt))
    })
}

unsafe extern "C" fn upload_begin(url: DhEngineStr, out_upload: *mut *mut c_void) -> *mut DhEngineError {
    guard(|| {
        // SAFETY: C++ gives a text that lives for the call.
        let upload = Upload::begin(unsafe { location(url) }?)?;
        // SAFETY: C++ gives a place for the handle.
        unsafe { *out_upload = Box::into_raw(Box::new(upload)).cast() };
        Ok(())
    })
}

unsafe extern "C" fn upload_write(
    upload: *mut c_void,
    data: DhEngineStr,
    interrupt: DhEngineInterrupt,
) -> *mut DhEngineError {
    guard(|| {
        // SAFETY: the handle came from `upload_begin`, and one thread uses it; the bytes live for the call.
        let (upload, bytes) = unsafe { (&mut *upload.cast::<Upload>(), data.as_bytes()) };
        upload.write(bytes, &asks(interrupt))
    })
}

unsafe extern "C" fn upload_finish(upload: *mut c_void, interrupt: DhEngineInterrupt) -> *mut DhEngineError {
    guard(|| {
        // SAFETY: the handle came from `upload_begin`, and one thread uses it.
        let upload = unsafe { &mut *upload.cast::<Upload>() };
        upload.finish(&asks(interrupt))
    })
}

unsafe extern "C" fn upload_free(upload: *mut c_void) {
    // SAFETY: the handle came from `upload_begin`, and is freed once.
    let upload = unsafe { Box::from_raw(upload.cast::<Upload>()) };
    // A panic in a destructor must not reach C++.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(upload)));
}
