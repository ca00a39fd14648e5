//! The fuzz target `members`: what must hold is in the library, `mcproxy::fuzzing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mcproxy::fuzzing::check("members", data));
