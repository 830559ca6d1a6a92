//! Asks the linker for what splitting needs.

fn main() {
    // The build cuts pages off the linked module into files of their own, and must know for every
    // reference in it what it means.
    println!("cargo::rustc-link-arg-cdylib=--emit-relocs");
    println!("cargo::rerun-if-changed=build.rs");
}
