//! Who has a decision open at this moment, for others who have it open.
//!
//! A page says so now and then, and is forgotten soon after it stops. It is no claim and on no record: readers hinder
//! nobody.

/// How long a page counts as open after it said so, in milliseconds.
pub const EXPIRY_MS: u64 = 60_000;
/// How often a page says so, in milliseconds.
pub const BEAT_MS: u64 = 25_000;
/// How long a page counts as open once it is left, in milliseconds: loading it again looks like nothing.
pub const LEFT_MS: u64 = 10_000;
/// How many others are named.
const NAMED: usize = 3;

/// Says who else reads, such as "Ana is reading"; nothing where nobody does.
pub fn words(names: &[String]) -> Option<String> {
    Some(match names {
        [] => return None,
        [one] => format!("{one} is reading"),
        [before @ .., last] if names.len() <= NAMED => format!("{} and {last} are reading", before.join(", ")),
        _ => format!("{} and {} others are reading", names[..NAMED - 1].join(", "), names.len() + 1 - NAMED),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_named_and_many_are_counted() {
        let said = |names: &[&str]| words(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());

        assert_eq!(said(&[]), None);
        assert_eq!(said(&["Ana"]).as_deref(), Some("Ana is reading"));
        assert_eq!(said(&["Ana", "Bo"]).as_deref(), Some("Ana and Bo are reading"));
        assert_eq!(said(&["Ana", "Bo", "Cy"]).as_deref(), Some("Ana, Bo and Cy are reading"));
        assert_eq!(said(&["Ana", "Bo", "Cy", "Di"]).as_deref(), Some("Ana, Bo and 2 others are reading"));
    }

    // One lost sign of life changes nothing, and who leaves is gone before the next is due.
    const _: () = assert!(2 * BEAT_MS < EXPIRY_MS && LEFT_MS < BEAT_MS);
}
