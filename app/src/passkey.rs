//! The browser's side of passkeys: hands options to the authenticator and brings its answer back, both as JSON.
//!
//! Nothing is decided here; the server checks the answer. Browsers that cannot read the options as JSON
//! (`PublicKeyCredential.parse…FromJSON`) are told so.

#[cfg(not(feature = "ssr"))]
mod browser {
    use js_sys::{Function, JSON, Object, Promise, Reflect};
    use leptos::prelude::{document, window};
    use wasm_bindgen::{JsCast, JsValue};
    use wasm_bindgen_futures::JsFuture;

    const TOO_OLD: &str = "This browser cannot use passkeys here. Update it, or use another one.";

    pub(crate) async fn create(options: &str) -> Result<String, String> {
        ask("create", "parseCreationOptionsFromJSON", options).await
    }

    pub(crate) async fn get(options: &str) -> Result<String, String> {
        ask("get", "parseRequestOptionsFromJSON", options).await
    }

    async fn ask(method: &str, parse: &str, options: &str) -> Result<String, String> {
        let promise = begin(method, parse, options).ok_or_else(|| TOO_OLD.to_owned())?;
        let credential = JsFuture::from(promise).await.map_err(|error| failed(&error))?;
        // Calls the credential's own toJSON.
        JSON::stringify(&credential).ok().and_then(|text| text.as_string()).ok_or_else(|| TOO_OLD.to_owned())
    }

    fn begin(method: &str, parse: &str, options: &str) -> Option<Promise> {
        let class = member(&window(), "PublicKeyCredential")?;
        let parse: Function = member(&class, parse)?.dyn_into().ok()?;
        let options = parse.call1(&class, &JSON::parse(options).ok()?).ok()?;
        let request = Object::new();
        Reflect::set(&request, &"publicKey".into(), &options).ok()?;
        let credentials = member(&member(&window(), "navigator")?, "credentials")?;
        let method: Function = member(&credentials, method)?.dyn_into().ok()?;
        method.call1(&credentials, &request).ok()?.dyn_into().ok()
    }

    fn member(object: &JsValue, name: &str) -> Option<JsValue> {
        Reflect::get(object, &name.into()).ok().filter(|value| !value.is_undefined() && !value.is_null())
    }

    fn failed(error: &JsValue) -> String {
        let name = member(error, "name").and_then(|name| name.as_string()).unwrap_or_default();
        match name.as_str() {
            "InvalidStateError" => "This authenticator holds a passkey of yours already.".to_owned(),
            "SecurityError" => {
                "The browser refuses passkeys at this address. Open the installation by its own name.".to_owned()
            }
            _ => "Nothing was signed: the request was cancelled, timed out, or no passkey fits. Try again.".to_owned(),
        }
    }

    /// Returns what stands in a field, wherever on the page it is.
    pub(crate) fn typed(id: &str) -> String {
        let field = document().get_element_by_id(id);
        let value = field.and_then(|field| member(&field, "value"));
        value.and_then(|value| value.as_string()).unwrap_or_default()
    }

    /// Loads a page of this site anew, with the cookies that an answer set.
    pub(crate) fn go(to: &str) {
        if let Some(location) = document().location() {
            let _ = location.set_href(to);
        }
    }
}

#[cfg(not(feature = "ssr"))]
pub(crate) use browser::{create, get, go, typed};

/// On the server nobody presses a button.
#[cfg(feature = "ssr")]
pub(crate) async fn create(_: &str) -> Result<String, String> {
    Err(String::new())
}

/// On the server nobody presses a button.
#[cfg(feature = "ssr")]
pub(crate) async fn get(_: &str) -> Result<String, String> {
    Err(String::new())
}

/// On the server nobody presses a button.
#[cfg(feature = "ssr")]
pub(crate) fn go(_: &str) {}

/// On the server nothing is typed yet.
#[cfg(feature = "ssr")]
pub(crate) fn typed(_: &str) -> String {
    String::new()
}
