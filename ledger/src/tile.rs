//! Tiles and entry bundles (c2sp.org/tlog-tiles v0.1.0): where a log's hashes and leaves lie, and in what bytes.
//!
//! ```text
//! tile/0/x001/x234/067        256 leaf hashes, the tile of index 1,234,067
//! tile/1/000.p/17             17 roots of full level-0 tiles
//! tile/entries/000.p/16       16 leaves, each after its length as u16
//! ```

use crate::encoding::decimal;
use crate::hash::Hash;
use crate::{Error, Result};

/// Hashes in a full tile and leaves in a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// Longest leaf an entry bundle can hold, in bytes.
pub const ENTRY_MAX: usize = u16::MAX as usize;

const WHAT: &str = "tile path";

/// One hash tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// Tile level: 0 holds leaf hashes, each further one roots of full tiles below.
    pub level: u8,
    /// Index within the level.
    pub n: u64,
    /// Number of hashes, 1 to 256.
    pub width: u16,
}

/// One entry bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BundleId {
    /// Index of the bundle, the same as that of the level-0 tile beside it.
    pub n: u64,
    /// Number of leaves, 1 to 256.
    pub width: u16,
}

impl TileId {
    /// The tile `n` of `level` as it is in a tree of `size` leaves, if it is not empty there.
    pub fn in_tree(level: u8, n: u64, size: u64) -> Option<Self> {
        let hashes = size.checked_shr(8 * u32::from(level)).unwrap_or(0);
        let width = hashes.checked_sub(n.checked_mul(TILE_WIDTH.into())?)?.min(TILE_WIDTH.into()) as u16;

        (width > 0).then_some(Self { level, n, width })
    }

    /// Path below the log's prefix.
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, place(self.n, self.width))
    }

    /// Reads a path.
    ///
    /// # Errors
    ///
    /// [`Error::Syntax`] says what breaks the format.
    pub fn parse(path: &str) -> Result<Self> {
        let (level, place) = path
            .strip_prefix("tile/")
            .and_then(|rest| rest.split_once('/'))
            .ok_or(refuse("expected tile/<level>/<index>"))?;
        let level = decimal(level).filter(|level| *level <= 63).ok_or(refuse("a level is a plain decimal up to 63"))?;
        let (n, width) = parse_place(place)?;

        Ok(Self { level: level as u8, n, width })
    }
}

impl BundleId {
    /// The bundle `n` as it is in a tree of `size` leaves, if it is not empty there.
    pub fn in_tree(n: u64, size: u64) -> Option<Self> {
        TileId::in_tree(0, n, size).map(|tile| Self { n, width: tile.width })
    }

    /// Path below the log's prefix.
    pub fn path(&self) -> String {
        format!("tile/entries/{}", place(self.n, self.width))
    }

    /// Reads a path.
    ///
    /// # Errors
    ///
    /// [`Error::Syntax`] says what breaks the format.
    pub fn parse(path: &str) -> Result<Self> {
        let place = path.strip_prefix("tile/entries/").ok_or(refuse("expected tile/entries/<index>"))?;
        let (n, width) = parse_place(place)?;

        Ok(Self { n, width })
    }
}

/// Every hash tile of a tree of `size` leaves, level by level; the rightmost of a level may be partial.
pub fn tiles_in_tree(size: u64) -> impl Iterator<Item = TileId> {
    (0..8).flat_map(move |level| {
        let hashes = size.checked_shr(8 * u32::from(level)).unwrap_or(0);
        (0..hashes.div_ceil(TILE_WIDTH.into())).filter_map(move |n| TileId::in_tree(level, n, size))
    })
}

/// Writes the hashes of a tile.
pub fn encode_tile(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// Reads a tile of exactly `id.width` hashes.
///
/// # Errors
///
/// [`Error::Tile`] for any other length.
pub fn parse_tile(id: TileId, bytes: &[u8]) -> Result<Vec<Hash>> {
    if bytes.len() != usize::from(id.width) * 32 {
        return Err(Error::Tile { path: id.path(), why: "its length is not 32 bytes per hash" });
    }

    Ok(bytes.as_chunks().0.iter().copied().map(Hash).collect())
}

/// Writes an entry bundle.
///
/// # Errors
///
/// [`Error::Limit`] for a leaf of more than 65,535 bytes.
pub fn encode_bundle<'a>(leaves: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for leaf in leaves {
        let length = u16::try_from(leaf.len()).map_err(|_| Error::Limit {
            what: "bytes of a bundled leaf",
            max: ENTRY_MAX,
            found: leaf.len(),
        })?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(leaf);
    }

    Ok(bytes)
}

/// Reads an entry bundle of exactly `width` leaves.
///
/// # Errors
///
/// [`Error::Syntax`] names the byte where a leaf is cut off, missing or too many.
pub fn parse_bundle(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>> {
    let refuse = |at, why| Error::Syntax { what: "entry bundle", at, why };
    let mut leaves = Vec::with_capacity(width.into());
    let mut at = 0;
    while leaves.len() < usize::from(width) {
        let length = bytes.get(at..at + 2).ok_or_else(|| refuse(at, "a leaf is missing"))?;
        let end = at + 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
        leaves.push(bytes.get(at + 2..end).ok_or_else(|| refuse(at, "a leaf is cut off"))?);
        at = end;
    }
    if at != bytes.len() {
        return Err(refuse(at, "bytes after the last leaf"));
    }

    Ok(leaves)
}

fn place(n: u64, width: u16) -> String {
    let mut path = format!("{:03}", n % 1_000);
    let mut rest = n / 1_000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1_000);
        rest /= 1_000;
    }
    if width < TILE_WIDTH {
        path.push_str(&format!(".p/{width}"));
    }

    path
}

fn parse_place(text: &str) -> Result<(u64, u16)> {
    let (index, width) = match text.split_once(".p/") {
        Some((index, width)) => {
            let width = decimal(width).filter(|width| (1..=255).contains(width));
            (index, width.ok_or(refuse("a partial width is a plain decimal from 1 to 255"))? as u16)
        }
        None => (text, TILE_WIDTH),
    };
    let mut n: u64 = 0;
    let mut parts = index.split('/').peekable();
    while let Some(part) = parts.next() {
        let digits = if parts.peek().is_some() { part.strip_prefix('x') } else { Some(part) };
        let digits = digits.filter(|digits| digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()));
        let digits = digits.ok_or(refuse("an index is groups of three digits, all but the last after an x"))?;
        let group = digits.bytes().fold(0, |group, digit| group * 10 + u64::from(digit - b'0'));
        n = n.checked_mul(1_000).and_then(|n| n.checked_add(group)).ok_or(refuse("an index fits 64 bits"))?;
    }
    // `x000/001` would be a second spelling of `001`.
    if place(n, width) != text {
        return Err(refuse("an index has no leading group of zeros"));
    }

    Ok((n, width))
}

fn refuse(why: &'static str) -> Error {
    Error::Syntax { what: WHAT, at: 0, why }
}
