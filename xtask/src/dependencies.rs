//! What we depend on: only from the package registry, only under licences that allow commercial use.

#[cfg(test)]
mod tests {
    use std::process::Command;

    use serde_json::Value;
    use spdx::{Expression, ParseMode};

    use crate::step::{cargo, output};

    /// Licences without duties beyond naming authors and keeping the text.
    const ALLOWED: [&str; 11] = [
        "0BSD",
        "Apache-2.0",
        "BSD-1-Clause",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
        "ISC",
        "MIT",
        "Unicode-3.0",
        "Zlib",
    ];

    /// Proves X1.
    #[test]
    fn every_dependency_has_an_allowed_licence_and_comes_from_the_registry() {
        let metadata: Value = serde_json::from_str(&output(&mut metadata()).unwrap()).unwrap();
        let packages = metadata["packages"].as_array().unwrap();
        assert!(packages.len() > 100, "cargo listed only {} packages", packages.len());

        let faults: Vec<_> = packages.iter().filter_map(fault).collect();

        assert_eq!(faults, Vec::<String>::new());
    }

    #[test]
    fn other_licences_and_sources_are_named() {
        let package = |license: Option<&str>, source: &str| serde_json::json!({ "name": "p", "version": "1.0.0", "license": license, "source": source });

        for good in ["MIT/Apache-2.0", "GPL-3.0-only OR MIT", "(Apache-2.0 OR GPL-2.0-only) AND BSD-3-Clause"] {
            assert_eq!(fault(&package(Some(good), "registry+x")), None, "{good}");
        }
        for (license, source) in [
            (Some("GPL-3.0-only"), "registry+x"),
            (Some("MIT AND AGPL-3.0-only"), "registry+x"),
            (Some("our own"), "registry+x"),
            (None, "registry+x"),
            (Some("MIT"), "git+https://example.org/p"),
        ] {
            assert!(fault(&package(license, source)).is_some(), "{license:?} from {source}");
        }
    }

    fn metadata() -> Command {
        let mut command = cargo();
        command.args(["metadata", "--format-version", "1", "--locked"]);
        command
    }

    /// Says what is wrong with a package; our own, which have no source, are right.
    fn fault(package: &Value) -> Option<String> {
        let source = package["source"].as_str()?;
        let name = format!("{} {}", package["name"].as_str()?, package["version"].as_str()?);
        if !source.starts_with("registry+") {
            return Some(format!("{name} comes from {source}"));
        }
        let Some(license) = package["license"].as_str() else {
            return Some(format!("{name} names no licence"));
        };
        match Expression::parse_mode(license, ParseMode::LAX) {
            Ok(expression) if expression.evaluate(|one| allowed(one.license.id())) => None,
            Ok(_) => Some(format!("{name} is under {license}")),
            Err(_) => Some(format!("{name} names {license}, which is no licence expression")),
        }
    }

    fn allowed(id: Option<spdx::LicenseId>) -> bool {
        id.is_some_and(|id| ALLOWED.contains(&id.name))
    }
}
