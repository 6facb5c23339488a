//! The eight bytes at the end of every stored blob that tell whether it is as it was written.
//!
//! SQLite notices a broken page, not a changed byte in the middle of a value, and a plan with one changed byte may
//! still decode: to another order. The seal is cut from a BLAKE3 digest: against accidents, not against an attacker,
//! who is kept out by the file's owner and mode.

const SEAL: usize = 8;

/// Appends the seal.
pub(super) fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let digest = blake3::hash(&bytes);
    bytes.extend_from_slice(&digest.as_bytes()[..SEAL]);
    bytes
}

/// The bytes without their seal; `None` when it does not fit.
pub(super) fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let (content, seal) = bytes.split_at_checked(bytes.len().checked_sub(SEAL)?)?;
    (blake3::hash(content).as_bytes()[..SEAL] == *seal).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_changed_byte_breaks_the_seal() {
        let sealed = seal(b"plan".to_vec());
        assert_eq!(unseal(&sealed), Some(&b"plan"[..]));
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert_eq!(unseal(&bad), None);
        }
        assert_eq!(unseal(b"short"), None);
        assert_eq!(unseal(&seal(Vec::new())), Some(&b""[..]));
    }
}
