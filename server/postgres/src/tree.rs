use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;

/// Major versions a tree may have.
pub const MAJORS: std::ops::RangeInclusive<u32> = 15..=18;

/// A directory of PostgreSQL programs that run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The directory that holds `postgres`.
    pub bin: PathBuf,
    /// The major version.
    pub major: u32,
}

/// Where to look, apart from the tree a caller names; injected so that tests can lay out their own.
#[derive(Clone, Debug)]
pub struct Places {
    /// The root under which distributions put their trees: `/`.
    pub root: PathBuf,
    /// The directories of `PATH`.
    pub path: Vec<PathBuf>,
}

impl Places {
    /// The places of this machine.
    #[must_use]
    pub fn of_this_machine() -> Places {
        let path = std::env::var_os("PATH").unwrap_or_default();
        Places { root: PathBuf::from("/"), path: std::env::split_paths(&path).collect() }
    }

    /// Finds the tree to use, PG1: the one named; for existing data any of its major; the newest of
    /// what distributions install; a managed tree under the data directory.
    ///
    /// # Errors
    ///
    /// [`Error::NoTree`] when there is none, [`Error::OtherMajor`] when none reads the data.
    pub fn find(&self, named: Option<&Path>, wrote: Option<u32>, data: &Path) -> Result<Tree, Error> {
        let (places, trees) = match named {
            Some(bin) => (vec![bin.display().to_string()], examine(bin).into_iter().collect()),
            None => self.all(data),
        };
        match wrote {
            Some(major) => {
                if let Some(tree) = trees.iter().find(|tree| tree.major == major) {
                    return Ok(tree.clone());
                }
                if !trees.is_empty() {
                    let mut found: Vec<u32> = trees.iter().map(|tree| tree.major).collect();
                    found.dedup();
                    let found: Vec<String> = found.iter().map(u32::to_string).collect();
                    return Err(Error::OtherMajor { wrote: major, found: found.join(", ") });
                }
            }
            None => {
                if let Some(tree) = trees.into_iter().next() {
                    return Ok(tree);
                }
            }
        }

        Err(Error::NoTree { looked_in: places.join(", ") })
    }

    /// Every tree, installed ones from newest to oldest, then managed ones; and the places as text.
    fn all(&self, data: &Path) -> (Vec<String>, Vec<Tree>) {
        let mut bins = Vec::new();
        for (parent, prefix) in [
            ("usr/lib/postgresql", ""),
            ("usr", "pgsql-"),
            ("opt/homebrew/opt", "postgresql@"),
            ("usr/local/opt", "postgresql@"),
        ] {
            for entry in children(&self.root.join(parent)) {
                let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if name.strip_prefix(prefix).is_some_and(|major| major.parse::<u32>().is_ok()) {
                    bins.push(entry.join("bin"));
                }
            }
        }
        let config = self.path.iter().map(|dir| dir.join("pg_config")).find(|program| program.is_file());
        if let Some(output) = config.and_then(|program| Command::new(program).arg("--bindir").output().ok()) {
            bins.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
        }
        bins.extend(self.path.iter().cloned());

        // Newest first; among equals the earlier place.
        let mut by_major: BTreeMap<u32, Tree> = BTreeMap::new();
        for tree in bins.iter().filter_map(|bin| examine(bin)) {
            by_major.entry(tree.major).or_insert(tree);
        }
        let mut trees: Vec<Tree> = by_major.into_values().rev().collect();

        let managed = data.join("pg-bin");
        let mut own: Vec<Tree> =
            children(&managed).iter().filter_map(|version| examine(&version.join("bin"))).collect();
        own.sort_by_key(|tree| std::cmp::Reverse(tree.major));
        trees.extend(own);

        let show = |pattern: &str| self.root.join(pattern).display().to_string();
        let places = vec![
            show("usr/lib/postgresql/*/bin"),
            show("usr/pgsql-*/bin"),
            "Homebrew".to_owned(),
            "pg_config --bindir".to_owned(),
            "PATH".to_owned(),
            managed.display().to_string(),
        ];
        (places, trees)
    }
}

/// The tree in a directory, if the three programs are there and `postgres --version` fits.
fn examine(bin: &Path) -> Option<Tree> {
    if !["initdb", "postgres", "pg_ctl"].iter().all(|program| bin.join(program).is_file()) {
        return None;
    }
    for program in ["initdb", "pg_ctl"] {
        if !Command::new(bin.join(program)).arg("--version").output().ok()?.status.success() {
            return None;
        }
    }
    let output = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
    let major = major_of(&String::from_utf8_lossy(&output.stdout))?;

    MAJORS.contains(&major).then(|| Tree { bin: bin.to_owned(), major })
}

/// 15 from `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`; nothing for betas of 19.
fn major_of(version: &str) -> Option<u32> {
    let number = version.strip_prefix("postgres (PostgreSQL) ")?;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().ok()
}

fn children(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn search_order_table() {
        struct Case {
            trees: &'static [(&'static str, &'static str)],
            path: &'static [&'static str],
            named: Option<&'static str>,
            wrote: Option<u32>,
            expected: Result<&'static str, &'static str>,
        }
        let case = |trees, expected| Case { trees, path: &[], named: None, wrote: None, expected };
        const DEBIAN_15: (&str, &str) = ("usr/lib/postgresql/15/bin", "15.18");
        const DEBIAN_17: (&str, &str) = ("usr/lib/postgresql/17/bin", "17.2");
        const FEDORA_16: (&str, &str) = ("usr/pgsql-16/bin", "16.4");
        const BREW_18: (&str, &str) = ("opt/homebrew/opt/postgresql@18/bin", "18.1");
        const MANAGED_18: (&str, &str) = ("data/pg-bin/18.1/bin", "18.1");
        let table: &[(&str, Case)] = &[
            ("nothing", case(&[], Err("PG-E1"))),
            ("one", case(&[("usr/lib/postgresql/15/bin", "15.18")], Ok("usr/lib/postgresql/15/bin"))),
            ("newest", Case { trees: &[DEBIAN_15, DEBIAN_17, FEDORA_16], ..case(&[], Ok(DEBIAN_17.0)) }),
            ("newest over places", Case { trees: &[DEBIAN_17, BREW_18], ..case(&[], Ok(BREW_18.0)) }),
            ("too old", case(&[("usr/lib/postgresql/14/bin", "14.9")], Err("PG-E1"))),
            ("too new", case(&[("usr/lib/postgresql/19/bin", "19beta1")], Err("PG-E1"))),
            ("installed before managed", Case { trees: &[DEBIAN_15, MANAGED_18], ..case(&[], Ok(DEBIAN_15.0)) }),
            ("managed last", Case { trees: &[MANAGED_18], ..case(&[], Ok(MANAGED_18.0)) }),
            ("on PATH", Case { path: &["elsewhere"], ..case(&[("elsewhere", "16.1")], Ok("elsewhere")) }),
            (
                "named beats newest",
                Case { trees: &[DEBIAN_15, DEBIAN_17], named: Some(DEBIAN_15.0), ..case(&[], Ok(DEBIAN_15.0)) },
            ),
            ("named but empty", Case { trees: &[DEBIAN_17], named: Some("nowhere"), ..case(&[], Err("PG-E1")) }),
            (
                "major of the data",
                Case { trees: &[DEBIAN_15, DEBIAN_17], wrote: Some(15), ..case(&[], Ok(DEBIAN_15.0)) },
            ),
            (
                "major of the data, managed",
                Case { trees: &[DEBIAN_15, MANAGED_18], wrote: Some(18), ..case(&[], Ok(MANAGED_18.0)) },
            ),
            ("other major", Case { trees: &[DEBIAN_17], wrote: Some(15), ..case(&[], Err("PG-E5")) }),
            (
                "named of another major",
                Case {
                    trees: &[DEBIAN_15, DEBIAN_17],
                    named: Some(DEBIAN_17.0),
                    wrote: Some(15),
                    ..case(&[], Err("PG-E5"))
                },
            ),
            ("data but no tree", Case { wrote: Some(15), ..case(&[], Err("PG-E1")) }),
        ];
        for (name, case) in table {
            let root = tempfile::tempdir().unwrap();
            for (bin, version) in case.trees {
                lay_out(&root.path().join(bin), version);
            }
            let places = Places {
                root: root.path().to_owned(),
                path: case.path.iter().map(|dir| root.path().join(dir)).collect(),
            };

            let named = case.named.map(|bin| root.path().join(bin));
            let found = places.find(named.as_deref(), case.wrote, &root.path().join("data"));

            match (&case.expected, found) {
                (Ok(bin), Ok(tree)) => assert_eq!(tree.bin, root.path().join(bin), "{name}"),
                (Err(code), Err(error)) => assert!(error.to_string().starts_with(code), "{name}: {error}"),
                (expected, found) => panic!("{name}: expected {expected:?}, found {found:?}"),
            }
        }
    }

    #[test]
    fn a_tree_without_pg_ctl_does_not_count() {
        let root = tempfile::tempdir().unwrap();
        lay_out(root.path(), "16.1");
        std::fs::remove_file(root.path().join("pg_ctl")).unwrap();

        assert_eq!(examine(root.path()), None);
    }

    fn lay_out(bin: &Path, version: &str) {
        std::fs::create_dir_all(bin).unwrap();
        for program in ["initdb", "postgres", "pg_ctl"] {
            let path = bin.join(program);
            std::fs::write(&path, format!("#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
}
