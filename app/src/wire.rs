//! JSON between browser and server.
//!
//! Enums that pages read or forms answer with are written as serde writes them without attributes: the name, then
//! the content. A `tag` inside the content would make the browser carry a second reader of everything the enum
//! holds, which reads it from a buffer.

use leptos::server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType, codec::Post};
use serde::{Serialize, de::DeserializeOwned};

/// What server functions answer with.
///
/// It reads JSON as text, as the data inside a page is read. The framework's own JSON reads bytes,
/// for which the browser would carry a second copy of every reader.
pub(crate) type Json = Post<JsonText>;

/// JSON read as text.
#[derive(Debug)]
pub struct JsonText;

impl ContentType for JsonText {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for JsonText {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for JsonText {
    type Error = serde_json::Error;

    fn encode(value: &T) -> Result<Bytes, serde_json::Error> {
        serde_json::to_string(value).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for JsonText {
    type Error = serde_json::Error;

    fn decode(bytes: Bytes) -> Result<T, serde_json::Error> {
        serde_json::from_str(std::str::from_utf8(&bytes).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_and_broken_text_is_refused() {
        let value = vec!["a".to_owned(), "é\"".to_owned()];

        assert_eq!(<JsonText as Decodes<Vec<String>>>::decode(JsonText::encode(&value).unwrap()).unwrap(), value);
        assert!(<JsonText as Decodes<Vec<String>>>::decode(Bytes::from_static(b"\xff")).is_err());
    }
}
