//! Whether every service has an image the client accepts.

use super::fault::Fault;
use super::image_name;
use super::model::Service;

/// Checks the image of a service.
///
/// # Errors
/// No image, or a malformed reference.
pub(crate) fn check(service: &Service) -> Result<(), Fault> {
    let name = &service.name;
    let mark = service.mark_of("image");
    if service.image.is_empty() {
        return Err(Fault::at(
            mark,
            format!("invalid image reference for service {name}: no image specified"),
        ));
    }
    image_name::check(&service.image).map_err(|reason| {
        Fault::at(mark, format!("invalid image reference for service {name}: {reason}"))
    })
}
