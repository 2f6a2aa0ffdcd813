//! Pictures of the products. Colours are those of the style sheet, so that they fit light and dark pages.

/// Wraps shapes drawn on a field of 120 by 100.
macro_rules! picture {
    ($shapes:literal) => {
        concat!(
            r#"<svg viewBox="0 0 120 100" aria-hidden="true"><rect class="ground" width="120" height="100"/>"#,
            r#"<ellipse class="shade" cx="60" cy="86" rx="38" ry="5"/>"#,
            $shapes,
            "</svg>"
        )
    };
}

pub(super) const TEAPOT: &str = picture!(
    r#"<path class="line" d="M34 62Q16 58 18 42"/><path class="line" d="M86 50Q108 46 100 68Q96 76 82 74"/><ellipse class="deep" cx="60" cy="62" rx="29" ry="24"/><path class="pale" d="M38 50Q60 60 82 50L80 45Q60 53 40 45Z"/><rect class="deep" x="48" y="33" width="24" height="8" rx="4"/><circle class="warm" cx="60" cy="29" r="5"/>"#
);
pub(super) const CUP: &str = picture!(
    r#"<path class="line" d="M78 48Q98 46 94 60Q90 72 74 70"/><path class="warm" d="M36 40H80L76 78Q75 86 67 86H49Q41 86 40 78Z"/><ellipse class="deep" cx="58" cy="40" rx="22" ry="6"/><path class="steam" d="M50 30Q46 24 50 18M60 30Q56 22 60 14M70 30Q66 24 70 18"/>"#
);
pub(super) const KETTLE: &str = picture!(
    r#"<path class="line" d="M38 44Q38 14 60 14Q82 14 82 44"/><path class="line" d="M84 60L104 44"/><path class="pale" d="M32 78Q30 44 60 42Q90 44 88 78Q87 86 80 86H40Q33 86 32 78Z"/><path class="deep" d="M31 72H89L88 80Q86 86 80 86H40Q34 86 32 80Z"/><circle class="warm" cx="60" cy="38" r="5"/>"#
);
pub(super) const BOWL: &str = picture!(
    r#"<path class="pale" d="M22 46H98Q96 78 70 84H50Q24 78 22 46Z"/><ellipse class="deep" cx="60" cy="46" rx="38" ry="9"/><ellipse class="ring" cx="60" cy="46" rx="25" ry="5.5"/><ellipse class="ring" cx="60" cy="46" rx="12" ry="2.6"/>"#
);
pub(super) const CARAFE: &str = picture!(
    r#"<path class="glass" d="M48 14H72Q68 32 70 42Q86 52 84 74Q83 86 72 86H48Q37 86 36 74Q34 52 50 42Q52 32 48 14Z"/><path class="deep" d="M37 64Q60 58 83 64L84 74Q83 84 72 84H48Q37 84 36 74Z"/>"#
);
pub(super) const GLASSES: &str = picture!(
    r#"<path class="glass" d="M22 38H58L54 86H26Z"/><path class="deep" d="M24 60H56L54 84H26Z"/><path class="glass" d="M64 30H100L96 86H68Z"/><path class="warm" d="M66 58H98L96 84H68Z"/>"#
);
pub(super) const WATERING_CAN: &str = picture!(
    r#"<path class="line" d="M44 44Q44 18 66 18Q88 18 88 58"/><path class="line" d="M42 68L18 40"/><path class="line" d="M10 44L26 32"/><path class="deep" d="M40 46H86L90 86H36Z"/><path class="pale" d="M38 62H88L88.6 68H37.4Z"/>"#
);
pub(super) const VASE: &str = picture!(
    r#"<path class="line" d="M60 44Q58 24 72 10"/><circle class="warm" cx="72" cy="12" r="6"/><circle class="warm" cx="60" cy="26" r="5"/><circle class="warm" cx="69" cy="30" r="4"/><path class="pale" d="M52 40H68Q64 50 70 60Q76 74 68 86H52Q44 74 50 60Q56 50 52 40Z"/><path class="deep" d="M47 70Q60 76 73 70Q73 79 68 86H52Q47 79 47 70Z"/>"#
);
pub(super) const UMBRELLA: &str = picture!(
    r#"<path class="line" d="M60 20V78Q60 88 68 86Q72 84 72 78"/><path class="deep" d="M16 56Q20 18 60 16Q100 18 104 56Q94 48 82 56Q71 48 60 56Q49 48 38 56Q26 48 16 56Z"/><path class="pale" d="M38 56Q44 26 60 16Q76 26 82 56Q71 48 60 56Q49 48 38 56Z"/>"#
);
pub(super) const SOAP: &str = picture!(
    r#"<rect class="pale" x="24" y="52" width="72" height="34" rx="15"/><rect class="deep" x="34" y="60" width="52" height="14" rx="7"/><circle class="bubble" cx="84" cy="36" r="9"/><circle class="bubble" cx="68" cy="24" r="6"/><circle class="bubble" cx="92" cy="18" r="5"/>"#
);
pub(super) const TOWEL: &str = picture!(
    r#"<path class="line" d="M20 18H100"/><path class="pale" d="M34 18H78V80Q56 86 34 80Z"/><path class="warm" d="M34 62H78V68H34ZM34 72H78V75H34Z"/><path class="deep" d="M78 18H90V66Q84 68 78 66Z"/>"#
);
pub(super) const LAMP: &str = picture!(
    r#"<path class="line" d="M48 26Q48 10 60 10Q72 10 72 26"/><path class="deep" d="M42 28H78L82 36H38Z"/><rect class="glass" x="42" y="36" width="36" height="40"/><path class="warm" d="M60 44Q72 58 66 68Q60 74 54 68Q48 58 60 44Z"/><rect class="deep" x="38" y="76" width="44" height="10" rx="3"/>"#
);
