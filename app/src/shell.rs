//! The document around every page.

use leptos::prelude::*;
use leptos_meta::MetaTags;

use crate::{App, site::Preferences};

/// The whole document. The server draws it; browsers hydrate its body.
pub fn shell() -> impl IntoView {
    let preferences = preferences();

    view! {
        <!DOCTYPE html>
        <html
            lang="en"
            data-theme=preferences.theme.word()
            data-density=preferences.density.word()
            data-zone=preferences.zone.word()
            data-advance=preferences.advance.word()
        >
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="robots" content="noindex"/>
                <link rel="icon" href=ICON/>
                <HydrationTags/>
                <MetaTags/>
            </head>
            <body class="bg-canvas text-text font-sans text-body antialiased">
                <App/>
            </body>
        </html>
    }
}

/// A seal with a tick, drawn in the accent of the light theme, which reads on both grounds.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='%231f5fd0' stroke-width='2.4' stroke-linecap='round' stroke-linejoin='round'%3E%3Ccircle cx='12' cy='12' r='9.5'/%3E%3Cpath d='m8 12.5 2.8 2.8L16.5 9'/%3E%3C/svg%3E";

/// The style sheet and the scripts, with the nonce in no attribute but `nonce`, where browsers hide it.
///
/// Leptos' own tags write it into `crossorigin` too. A page that answers a post is not hydrated: its
/// address is the form's, not the page's.
#[cfg(feature = "ssr")]
#[component]
fn HydrationTags() -> impl IntoView {
    use countersign_engine::{Engine, ledger};
    use leptos::nonce::use_nonce;

    use crate::{
        answer::Posted,
        request::extension,
        site::{Module, SiteFiles},
    };

    let SiteFiles { css, app, verify, build } = extension::<SiteFiles>()?;
    let nonce = use_nonce();
    let app = app.filter(|_| extension::<Posted>().is_none());
    let verify = verify.filter(|_| path().as_deref() == Some("/verify"));

    // Both files are asked for at once; a preload link for the second one warns on slow machines.
    let app = app.map(|Module { js, wasm }| {
        let script = format!(
            "const wasm = fetch({wasm:?}); const app = await import({js:?}); \
             await app.default({{ module_or_path: wasm }}); app.hydrate();"
        );
        view! {
            <link rel="modulepreload" href=js nonce=nonce.clone()/>
            <script type="module" nonce=nonce.clone()>
                {script}
            </script>
        }
    });
    let log = extension::<Engine>().map(|engine| ledger::log_id(&engine).to_owned());
    let verify = verify.map(|Module { js, wasm }| {
        let script = format!("import init from {js:?}; await init({{ module_or_path: {wasm:?} }});");
        view! {
            <link rel="modulepreload" href=js nonce=nonce.clone()/>
            <script type="module" id="verify-page" data-log=log nonce=nonce.clone()>
                {script}
            </script>
        }
    });

    Some(view! {
        <meta name="build" content=build/>
        <link rel="stylesheet" href=css/>
        {app}
        {verify}
    })
}

/// Browsers never draw the head, so there is nothing to put into it.
#[cfg(not(feature = "ssr"))]
#[component]
fn HydrationTags() -> impl IntoView {}

/// The path that the request names.
#[cfg(feature = "ssr")]
pub(crate) fn path() -> Option<String> {
    with_context::<http::request::Parts, _>(|parts| parts.uri.path().to_owned())
}

#[cfg(feature = "ssr")]
pub(crate) fn preferences() -> Preferences {
    with_context::<http::request::Parts, _>(|parts| {
        let cookies: Vec<_> =
            parts.headers.get_all(http::header::COOKIE).iter().filter_map(|value| value.to_str().ok()).collect();
        let session = parts.extensions.get().copied().unwrap_or(crate::site::CookieName::HTTPS);
        Preferences::from_cookies(&cookies.join("; "), session)
    })
    .unwrap_or_default()
}

#[cfg(not(feature = "ssr"))]
pub(crate) fn preferences() -> Preferences {
    Preferences::default()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use std::sync::Arc;

    use axum::body::Body;
    use http::{Extensions, Request};

    use crate::site::{Module, PageNonce, SiteFiles};

    #[tokio::test]
    async fn the_nonce_stands_in_nonce_attributes_only() {
        let html = login_page().await;

        let everywhere = html.matches("N0NCE").count();
        let in_attributes = html.matches("nonce=\"N0NCE\"").count();
        assert!(in_attributes >= 2, "{html}");
        assert_eq!(everywhere, in_attributes);
    }

    #[tokio::test]
    async fn the_page_loads_the_named_files_and_sets_the_theme_of_the_cookie() {
        let html = login_page().await;

        assert!(html.contains("data-theme=\"dark\""));
        assert!(html.contains("href=\"/pkg/app.1.css\""));
        assert!(html.contains("const wasm = fetch(\"/pkg/app.1.wasm\"); const app = await import(\"/pkg/app.1.js\");"));
        assert!(!html.contains("verify-page"));
    }

    async fn login_page() -> String {
        let mut extensions = Extensions::new();
        extensions.insert(PageNonce(Arc::from("N0NCE")));
        extensions.insert(SiteFiles {
            css: "/pkg/app.1.css".into(),
            app: Some(Module { js: "/pkg/app.1.js".into(), wasm: "/pkg/app.1.wasm".into() }),
            verify: Some(Module { js: "/pkg/verify.1.js".into(), wasm: "/pkg/verify.1.wasm".into() }),
            build: "1".into(),
        });
        let mut request = Request::builder()
            .uri("/login")
            .header("accept", "text/html")
            .header("cookie", "__Host-theme=dark")
            .body(Body::empty())
            .expect("a literal request is well-formed");
        *request.extensions_mut() = extensions;

        let response = crate::door::page(request).await;
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a rendered page ends");
        String::from_utf8(bytes.to_vec()).expect("a page is UTF-8")
    }
}
