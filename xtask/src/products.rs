//! Identity products that the full run signs in through, as people run them.
//!
//! One that cannot be had does not end the run: its spec fails with the reason, which travels to it beside the places.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::{Doing as _, Failure, Result, output};
use crate::tools::{cache, on_path, python, unpacked, works, wrap};

/// LemonLDAP::NG with the modules that a provider of OpenID Connect loads, and a web server for it.
const LEMONLDAP: [&str; 11] = [
    "liblemonldap-ng-portal-perl",
    "liblemonldap-ng-handler-perl",
    "liblemonldap-ng-common-perl",
    "starman",
    "libcrypt-jwt-perl",
    "libemail-sender-perl",
    "libio-string-perl",
    "libmime-tools-perl",
    "libstring-random-perl",
    // Its pages show their files, so they are fetched even where the machine has them.
    "libjs-jquery",
    "libjs-jquery-cookie",
];
/// The release whose LemonLDAP::NG (2.16) tells nobody of a sign-out; its backports have one that does.
const WITHOUT_LOGOUT_TOKENS: &str = "bookworm";

/// Where they are, or why not.
#[derive(Clone, Debug)]
pub(crate) struct Products {
    /// The Python of an environment with Canaille.
    canaille: std::result::Result<PathBuf, String>,
    /// A tree of unpacked packages, with wrappers for `starman` and `perl`.
    lemonldap: std::result::Result<PathBuf, String>,
}

impl Products {
    /// Finds or sets up all of them.
    pub(crate) fn set_up() -> Products {
        let why = |failure: Failure| format!("{}\nRun: cargo xtask setup --full", failure.text);
        Products { canaille: python("canaille").map_err(why), lemonldap: lemonldap().map_err(why) }
    }

    /// Prints where everything is, or fails with what is missing.
    pub(crate) fn list(&self) -> Result<()> {
        for (name, place) in [("Canaille", &self.canaille), ("LemonLDAP::NG", &self.lemonldap)] {
            let place = place.as_ref().map_err(|why| Failure::new(format!("{name}: {why}")))?;
            println!("{name}: {}", place.display());
        }
        Ok(())
    }

    /// Tells a child process where they are, or what is missing.
    pub(crate) fn export(&self, command: &mut Command) {
        for (name, place) in [("COUNTERSIGN_CANAILLE", &self.canaille), ("COUNTERSIGN_LEMONLDAP", &self.lemonldap)] {
            match place {
                Ok(place) => command.env(name, place),
                Err(why) => command.env(format!("{name}_MISSING"), why),
            };
        }
    }
}

/// Unpacked for everybody, root too: installed, its packages would start services and change a web server.
fn lemonldap() -> Result<PathBuf> {
    let backports = release()?.filter(|release| release == WITHOUT_LOGOUT_TOKENS).map(|release| release + "-backports");
    let sources = backports.as_deref().map(sources).transpose()?;
    let packages: Vec<String> = LEMONLDAP
        .iter()
        .map(|package| match &backports {
            Some(suite) if package.starts_with("liblemonldap-ng-") => format!("{package}/{suite}"),
            _ => (*package).to_owned(),
        })
        .collect();
    let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
    let tree = unpacked("lemonldap-ng", &packages, sources.as_deref())?;

    let perl = on_path("perl").ok_or_else(|| Failure::new("Perl is missing. Run: sudo apt-get install perl"))?;
    let modules = PathBuf::from(modules(&tree).join(":"));
    let wrapped = tree.join("wrappers/perl");
    wrap(&tree, &perl, &[("PERL5LIB", &modules)], &wrapped)?;
    wrap(&tree, &tree.join("usr/bin/starman"), &[("PERL5LIB", &modules)], &tree.join("wrappers/starman"))?;
    if !works(&wrapped.display().to_string(), &["-MLemonldap::NG::Portal::Issuer::OpenIDConnect", "-e", "1"]) {
        return Err(Failure::new(format!(
            "LemonLDAP::NG does not load. Remove {} to unpack it afresh.",
            tree.display()
        )));
    }

    Ok(tree)
}

/// The distribution's name for what runs here.
fn release() -> Result<Option<String>> {
    let text = fs::read_to_string("/etc/os-release").doing("reading /etc/os-release")?;
    Ok(text
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .map(|name| name.trim_matches('"').to_owned()))
}

/// Writes a list of package sources: the machine's own, and one more suite of the same archive.
fn sources(suite: &str) -> Result<PathBuf> {
    const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let format = ["indextargets", "Created-By: Packages", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)"];
    let known = output(Command::new("apt-get").args(format))?;
    let archive = archive(&known, suite).ok_or_else(|| Failure::new(format!("No package source leads to {suite}.")))?;
    let own = fs::read_to_string("/etc/apt/sources.list").unwrap_or_default();
    let keys = if Path::new(KEYS).is_file() { format!("[signed-by={KEYS}] ") } else { String::new() };
    let list = cache()?.join(format!("{suite}.list"));
    fs::write(&list, format!("{own}\ndeb {keys}{archive} {suite} main\n"))
        .doing(format!("writing {}", list.display()))?;

    Ok(list)
}

/// The archive of the release that a suite of backports belongs to.
fn archive(known: &str, suite: &str) -> Option<String> {
    let release = suite.strip_suffix("-backports")?;
    known.lines().find_map(|line| {
        let mut words = line.split(' ');
        let (archive, of, component) = (words.next()?, words.next()?, words.next()?);
        (of == release && component == "main").then(|| archive.to_owned())
    })
}

/// Directories of unpacked Perl modules: what is for every machine, for this one, and Perl's own.
fn modules(tree: &Path) -> Vec<String> {
    let usr = tree.join("usr");
    let children = |directory: PathBuf| {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths
    };
    let of_this_machine: Vec<PathBuf> =
        children(usr.join("lib")).into_iter().filter(|path| path.to_string_lossy().contains("-linux-")).collect();
    let mut found = vec![usr.join("share/perl5")];
    for library in &of_this_machine {
        found.extend(children(library.join("perl5")));
    }
    found.extend(children(usr.join("share/perl")));
    for library in &of_this_machine {
        found.extend(children(library.join("perl")));
        found.push(library.join("perl-base"));
    }

    found.iter().filter(|path| path.is_dir()).map(|path| path.display().to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backports_come_from_the_archive_of_their_release() {
        let known =
            "mirror:/other bookworm contrib\nmirror:/debian bookworm main\nmirror:/security bookworm-security main\n";

        assert_eq!(archive(known, "bookworm-backports").as_deref(), Some("mirror:/debian"));
        assert_eq!(archive(known, "trixie-backports"), None);
    }
}
