//! The fuzz target `import`: what must hold is in the library, `mcproxy::fuzzing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mcproxy::fuzzing::check("import", data));
