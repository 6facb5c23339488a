//! Which names are names: checked where text comes in, so that nothing further on has to.

/// The longest name, in bytes; what a file name may have.
const LONGEST: usize = 255;

/// Why a word cannot be the name of a service, in words that follow it; `None` when it can.
pub fn fault(name: &str) -> Option<&'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.$+@".contains(&byte);
    if name.len() <= LONGEST && name.bytes().all(plain) && !name.starts_with(['-', '.']) && !name.is_empty() {
        // Nearly every name: no further look.
        None
    } else if name.is_empty() {
        Some("is empty")
    } else if name.len() > LONGEST {
        Some("is longer than 255 bytes")
    } else if name.contains('/') {
        Some("holds a `/`")
    } else if name.contains(char::REPLACEMENT_CHARACTER) {
        Some("is not UTF-8")
    } else if name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        Some("holds a blank or a control character")
    } else if name == "." || name == ".." || name.starts_with('-') {
        Some("cannot be a file's name")
    } else {
        None
    }
}
