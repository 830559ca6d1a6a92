//! Text of agents and people: complete, literal, with everything that hides drawn.

use countersign_domain::text::{REASON_CHARACTERS_MAX, Segment, segments};
use leptos::{html, prelude::*};

use super::icons::{Icon, Shape};

/// Text as it is, with characters that hide or reorder others drawn as their code points.
#[component]
pub(crate) fn Literal(#[prop(into)] text: String) -> impl IntoView {
    segments(&text)
        .into_iter()
        .map(|segment| match segment {
            Segment::Plain(text) => text.into_any(),
            Segment::Marked { code, name, letter } => view! {
                <mark class="mx-px rounded-chip border border-reject bg-reject-tint px-1 font-mono text-compact text-reject-ink">
                    {letter.map(|letter| format!("{letter} "))} {format!("{code} {name}")}
                </mark>
            }
            .into_any(),
        })
        .collect_view()
}

/// A stored value in fixed width, complete: long lines wrap, nothing is cut.
#[component]
pub(crate) fn Payload(#[prop(into)] value: String) -> impl IntoView {
    view! {
        <pre class="whitespace-pre-wrap rounded-control bg-raised px-3 py-2 font-mono text-compact [overflow-wrap:anywhere]">
            <Literal text=value/>
        </pre>
    }
}

/// Prose of an agent or a person, complete, with its line breaks.
#[component]
pub(crate) fn Prose(#[prop(into)] text: String) -> impl IntoView {
    view! {
        <div class="max-w-measure whitespace-pre-wrap text-reading [overflow-wrap:anywhere]">
            <Literal text/>
        </div>
    }
}

/// Indents JSON text without reading it: every character stays, only white space is added.
pub(crate) fn indent(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut characters = json.chars().peekable();
    while let Some(character) = characters.next() {
        if quoted {
            out.push(character);
            quoted = escaped || character != '"';
            escaped = !escaped && character == '\\';
            continue;
        }
        match character {
            '"' => {
                quoted = true;
                out.push(character);
            }
            '{' | '[' => {
                out.push(character);
                if characters.peek().is_some_and(|next| matches!(next, '}' | ']')) {
                    out.extend(characters.next());
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(character);
            }
            ',' => {
                out.push(character);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => out.push(character),
        }
    }

    out
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// The only text area. Server rendering does not escape its children, so the text is escaped here.
///
/// The parser drops the first line break after the tag, so the server writes one for it to drop.
#[component]
pub(crate) fn SafeTextArea(
    /// The field's name, and its id unless the page has another of that name.
    #[prop(into)]
    name: String,
    /// Its id, where that is not the name.
    #[prop(optional, into)]
    id: Option<String>,
    /// Text to begin with.
    #[prop(into)]
    value: String,
    /// Height in lines.
    rows: u32,
    /// The most characters that a browser lets in.
    #[prop(default = REASON_CHARACTERS_MAX)]
    characters_max: usize,
    /// Ids of what describes the field.
    #[prop(optional, into)]
    described_by: Option<String>,
    /// Whether the text was refused.
    #[prop(into)]
    invalid: Signal<bool>,
    /// The element, for reading what was typed.
    node_ref: NodeRef<html::Textarea>,
) -> impl IntoView {
    let escaped = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let content = if cfg!(feature = "ssr") { format!("\n{escaped}") } else { escaped };

    view! {
        <textarea
            id=id.unwrap_or_else(|| name.clone())
            name=name
            rows=rows
            maxlength=characters_max.to_string()
            aria-describedby=described_by
            aria-invalid=move || invalid.get().then_some("true")
            node_ref=node_ref
            inner_html=content
            class="block w-full rounded-control border border-control bg-surface px-3 py-2 text-reading text-text aria-[invalid]:border-reject"
        ></textarea>
    }
}

/// A long id or secret: whole and selectable, with a button that copies it where JavaScript runs.
#[component]
pub(crate) fn CopyId(
    /// The whole text.
    #[prop(into)]
    id: String,
    /// What it is, for the button's name.
    label: &'static str,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let able = RwSignal::new(false);
    Effect::new(move || able.set(true));
    let text = id.clone();
    let copy = move |_| {
        // The browser may refuse; the text stays selectable.
        let _ = window().navigator().clipboard().write_text(&text);
        copied.set(true);
    };

    view! {
        <span class="inline-flex max-w-full items-center gap-1.5 align-bottom">
            <code class="min-w-0 select-all font-mono text-compact [overflow-wrap:anywhere]">{id}</code>
            <button
                type="button"
                on:click=copy
                hidden=move || !able.get()
                class="inline-flex min-h-6 shrink-0 items-center gap-1 rounded-chip border border-hairline px-1.5 text-compact text-muted hover:bg-raised hover:text-text"
            >
                <Icon shape=Shape::Copy class="size-3"/>
                {move || if copied.get() { "Copied" } else { "Copy" }}
                <span class="sr-only">{format!(" {label}")}</span>
            </button>
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indenting_adds_white_space_only() {
        let json = r#"{"a":[1,{"b":"x, {y}: \" [z]"}],"c":{},"d":[]}"#;

        let indented = indent(json);

        assert_eq!(
            indented,
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x, {y}: \\\" [z]\"\n    }\n  ],\n  \"c\": {},\n  \"d\": []\n}"
        );
    }

    #[test]
    fn text_that_is_not_json_is_kept_whole() {
        let text = "}]} not json \"open";

        let kept: String = indent(text).chars().filter(|character| !character.is_whitespace()).collect();
        assert_eq!(kept, "}]}notjson\"open");
    }
}

#[cfg(all(test, feature = "ssr"))]
mod html_tests {
    use super::*;

    #[test]
    fn a_closing_textarea_tag_stays_text() {
        let html = Owner::new().with(|| {
            view! { <SafeTextArea name="reason" value="</textarea><b>&amp;" rows=3 invalid=false node_ref=NodeRef::new()/> }
                .to_html()
        });

        assert!(html.contains(">\n&lt;/textarea&gt;&lt;b&gt;&amp;amp;</textarea>"), "{html}");
    }

    #[test]
    fn a_direction_override_is_drawn_and_markup_is_escaped() {
        let html = Owner::new().with(|| view! { <Literal text="a\u{202e}<script>"/> }.to_html());

        assert!(html.contains("U+202E direction override"), "{html}");
        assert!(html.contains("&lt;script"), "{html}");
        assert!(!html.contains('\u{202e}'), "{html}");
    }
}
