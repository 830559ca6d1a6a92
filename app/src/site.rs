//! What the server tells the pages about this installation and this browser.

use std::sync::Arc;

/// Names of the built files, with their hashes; the server puts it in every request's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteFiles {
    /// Address of the style sheet, such as `/pkg/app.3f2a.css`.
    pub css: String,
    /// The application module; without it pages are served as plain HTML.
    pub app: Option<Module>,
    /// The verifier, loaded on `/verify` only.
    pub verify: Option<Module>,
    /// Names the build, so that a page can tell that the server was updated.
    pub build: String,
}

/// A WASM module and the script that loads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Address of the script, such as `/pkg/countersign.3f2a.js`.
    pub js: String,
    /// Address of the WASM file.
    pub wasm: String,
}

/// The response's nonce, made by the server's middleware for its content security policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageNonce(pub Arc<str>);

/// Name of the session cookie: `__Host-sid` on https, `sid` on a loopback address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieName(pub &'static str);

impl CookieName {
    /// The name on https origins.
    pub const HTTPS: CookieName = CookieName("__Host-sid");
    /// The name on plain http, allowed for loopback addresses only.
    pub const LOOPBACK: CookieName = CookieName("sid");

    /// Writes the cookie that carries a session.
    pub fn set(self, token: &str) -> String {
        format!("{}={token}; Path=/; HttpOnly; SameSite=Lax{}", self.0, self.secure())
    }

    /// Writes the cookie that removes a session.
    pub fn clear(self) -> String {
        format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{}", self.0, self.secure())
    }

    /// Writes a cookie beside the session's, for so many seconds; 0 removes it.
    pub fn beside(self, name: &str, value: &str, seconds: u64) -> String {
        format!("{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{}", self.name_of(name), self.secure())
    }

    /// Returns the full name of a cookie beside the session's.
    pub fn name_of(self, name: &str) -> String {
        if self.0.starts_with("__Host-") { format!("__Host-{name}") } else { name.to_owned() }
    }

    fn secure(self) -> &'static str {
        if self.0.starts_with("__Host-") { "; Secure" } else { "" }
    }
}

/// How one browser wants its pages: cookies that the server reads, so that nothing flashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Light, dark, or as the system has it.
    pub theme: Theme,
    /// Height of rows.
    pub density: Density,
    /// Which clock times are shown by.
    pub zone: Zone,
    /// Where a recorded review leads beside the queue.
    pub advance: Advance,
}

macro_rules! choices {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident $word:literal $label:literal)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name {$($(#[$item])* $variant,)*}

        impl $name {
            /// Every choice, in the order of the screen.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// Returns the word in the cookie and in the document's attribute.
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }

            /// Returns the words on screen.
            pub const fn label(self) -> &'static str {
                match self { $($name::$variant => $label),* }
            }

            /// Returns the choice of this word; an unknown one is the default.
            pub fn from_word(word: &str) -> $name {
                match word { $($word => $name::$variant,)* _ => $name::default() }
            }
        }
    };
}

choices! {
    /// Colours of the pages.
    Theme {
        /// As the operating system has it.
        #[default]
        System "system" "As the system"
        /// Dark text on light ground.
        Light "light" "Light"
        /// Light text on dark ground.
        Dark "dark" "Dark"
    }
}

choices! {
    /// Height of rows in lists.
    Density {
        /// 44 px and more.
        #[default]
        Comfortable "comfortable" "Comfortable"
        /// 32 px.
        Compact "compact" "Compact"
    }
}

choices! {
    /// Which clock times are shown by; UTC always stands beside.
    Zone {
        /// Coordinated universal time.
        #[default]
        Utc "utc" "UTC"
        /// The browser's time zone, which needs JavaScript.
        Local "local" "This browser's time zone"
    }
}

choices! {
    /// Where a recorded review leads beside the queue, which needs JavaScript.
    Advance {
        /// To the list.
        #[default]
        Stay "stay" "Back to the list"
        /// To the next decision of the list that is open.
        Next "next" "On to the next decision"
    }
}

impl Theme {
    /// Returns the theme that a button changes to: one after the other, and round again.
    pub fn next(self) -> Theme {
        match self {
            Theme::System => Theme::Light,
            Theme::Light => Theme::Dark,
            Theme::Dark => Theme::System,
        }
    }
}

impl Preferences {
    /// Reads the preferences out of a `Cookie` header, from the cookies beside the session's.
    pub fn from_cookies(header: &str, session: CookieName) -> Self {
        let value = |name: &str| {
            let name = session.name_of(name);
            header
                .split(';')
                .filter_map(|pair| pair.trim().split_once('='))
                .find(|(key, _)| *key == name)
                .map_or("", |(_, value)| value)
        };
        Self {
            theme: Theme::from_word(value("theme")),
            density: Density::from_word(value("density")),
            zone: Zone::from_word(value("zone")),
            advance: Advance::from_word(value("advance")),
        }
    }

    /// Writes the cookies that keep the preferences for a year, beside the session's.
    pub fn cookies(self, session: CookieName) -> [String; 4] {
        let pair = |name: &str, word: &str| session.beside(name, word, 31_536_000);
        [
            pair("theme", self.theme.word()),
            pair("density", self.density.word()),
            pair("zone", self.zone.word()),
            pair("advance", self.advance.word()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_cookie_is_secure_and_a_loopback_cookie_is_not() {
        assert_eq!(CookieName::HTTPS.set("t"), "__Host-sid=t; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(CookieName::LOOPBACK.clear(), "sid=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    }

    #[test]
    fn preferences_survive_their_cookies_and_strange_values_are_the_default() {
        let chosen =
            Preferences { theme: Theme::Dark, density: Density::Compact, zone: Zone::Local, advance: Advance::Next };

        for name in [CookieName::HTTPS, CookieName::LOOPBACK] {
            let header = chosen.cookies(name).map(|cookie| cookie.split(';').next().unwrap().to_owned()).join("; ");
            assert_eq!(Preferences::from_cookies(&header, name), chosen);
        }
        let strange = Preferences::from_cookies("theme=\"><script>; sid=x", CookieName::LOOPBACK);
        assert_eq!(strange, Preferences::default());
    }

    #[test]
    fn on_https_no_other_host_can_set_or_read_a_preference() {
        for cookie in Preferences::default().cookies(CookieName::HTTPS) {
            assert!(cookie.starts_with("__Host-") && cookie.ends_with("; Secure"), "{cookie}");
        }
        let planted = Preferences::from_cookies("theme=dark", CookieName::HTTPS);
        assert_eq!(planted.theme, Theme::System, "a name without the prefix is not read");
    }
}
