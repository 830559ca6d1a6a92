//! Cuts the lazy parts off the application's module.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use wasm_split_cli_support::{Options, transform};

use crate::step::{Doing as _, Failure, Result};

/// Names of parts, with the files that each fetches.
pub(crate) type Parts = BTreeMap<String, Vec<String>>;

/// By this the glue fetches parts.
pub(crate) const SCRIPT: &str = "parts.js";

/// Writes what is always loaded to `main`, for wasm-bindgen to finish, and the rest into `directory`:
/// the parts, and the script by which the glue, which will be `name`.js, fetches them.
pub(crate) fn cut(module: &Path, name: &str, main: &Path, directory: &Path, release: bool) -> Result<Parts> {
    let input = fs::read(module).doing(format!("reading {}", module.display()))?;
    let (glue, script) = (format!("./{name}.js"), format!("./{SCRIPT}"));
    let mut options = Options::new(&input);
    options.output_dir = directory;
    options.main_out_path = main;
    options.link_name = &script;
    options.main_module = &glue;
    let split = transform(options)
        .map_err(|error| Failure::new(format!("cutting the parts off {}: {error:#}", module.display())))?;
    if release {
        for path in &split.split_modules {
            let content = fs::read(path).doing(format!("reading {}", path.display()))?;
            let bare =
                without_names(&content).ok_or_else(|| Failure::new(format!("{} is no WebAssembly", path.display())))?;
            fs::write(path, bare).doing(format!("writing {}", path.display()))?;
        }
    }

    let files = |stems: Vec<String>| stems.into_iter().map(|stem| format!("{stem}.wasm")).collect();
    Ok(split.prefetch_map.into_iter().map(|(part, stems)| (part, files(stems))).collect())
}

/// Leaves out the names of functions, which only debuggers read.
fn without_names(module: &[u8]) -> Option<Vec<u8>> {
    const PREAMBLE: usize = 8;
    const CUSTOM: u8 = 0;
    let mut out = module.get(..PREAMBLE)?.to_vec();
    let mut at = PREAMBLE;
    while at < module.len() {
        let mut end = at + 1;
        let length = leb128(module, &mut end)?;
        let mut name = end;
        end = end.checked_add(length)?;
        let section = module.get(at..end)?;
        let named = section[0] == CUSTOM && {
            let length = leb128(module, &mut name)?;
            module.get(name..name.checked_add(length)?)? == b"name"
        };
        if !named {
            out.extend_from_slice(section);
        }
        at = end;
    }

    Some(out)
}

/// Reads an unsigned number of at most 32 bits and moves on.
fn leb128(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return usize::try_from(value).ok();
        }
    }

    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: [u8; 8] = *b"\0asm\x01\0\0\0";

    #[test]
    fn names_are_left_out_and_nothing_else() {
        let types = [1, 1, 0];
        let names = [0, 6, 4, b'n', b'a', b'm', b'e', 0];
        let other = [0, 5, 4, b'k', b'e', b'p', b't'];

        let bare = without_names(&[&HEAD[..], &types, &names, &other].concat());

        assert_eq!(bare, Some([&HEAD[..], &types, &other].concat()));
    }

    #[test]
    fn what_ends_early_is_no_module() {
        assert_eq!(without_names(&HEAD[..4]), None);
        assert_eq!(without_names(&[&HEAD[..], &[1, 0x80]].concat()), None);
        assert_eq!(without_names(&[&HEAD[..], &[1, 9, 0]].concat()), None);
        assert_eq!(without_names(&[&HEAD[..], &[1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]].concat()), None);
    }
}
