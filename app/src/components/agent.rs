//! A browser's name for itself, in the few words that people recognise it by.

/// Browsers by the word that only they send; the more special ones first, because most send the others' words too.
const BROWSERS: [(&str, &str); 7] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "Chrome without a window"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
];
const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];
const SHOWN_MAX: usize = 80;

/// Names browser and system, such as "Firefox 140 on Windows"; what names neither is shown as it came, cut.
///
/// It is what the browser says of itself, so it helps its owner to recognise it and proves nothing.
pub(crate) fn browser(agent: &str) -> String {
    let named = BROWSERS.iter().find_map(|(word, name)| {
        let version = agent.split_once(word)?.1;
        let major: String = version.chars().take_while(char::is_ascii_digit).collect();
        (!major.is_empty()).then(|| format!("{name} {major}"))
    });
    let system = SYSTEMS.iter().find(|(word, _)| agent.contains(word)).map(|(_, name)| *name);
    match (named, system) {
        (Some(named), Some(system)) => format!("{named} on {system}"),
        (Some(named), None) => named,
        _ if agent.trim().is_empty() => "A browser that does not name itself".to_owned(),
        _ if agent.chars().count() > SHOWN_MAX => format!("{}…", agent.chars().take(SHOWN_MAX).collect::<String>()),
        _ => agent.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_recognised_and_anything_else_stands_as_it_came() {
        for (agent, words) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox 140 on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
                "Edge 138 on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
                "Safari 18 on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/138.0.7204.33 Mobile/15E148 Safari/604.1",
                "Chrome 138 on iPhone",
            ),
            ("curl/8.5.0", "curl/8.5.0"),
            ("", "A browser that does not name itself"),
        ] {
            assert_eq!(browser(agent), words);
        }
        assert_eq!(browser(&"x".repeat(500)).chars().count(), SHOWN_MAX + 1);
    }
}
