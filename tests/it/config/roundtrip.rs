//! Settings at random, printed as a file and read again.

mod any;
mod print;

use std::path::Path;

use proptest::prelude::*;
use spillway::config;

proptest! {
    #[test]
    fn settings_survive_being_printed_and_read(mut settings in any::settings()) {
        let text = print::file(&mut settings);
        let loaded = config::load(&text, Path::new(""));
        prop_assert_eq!(loaded.as_ref(), Ok(&settings), "{}", text);
    }
}
