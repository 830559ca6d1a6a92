//! JSON between browser and server.
//!
//! Enums that pages read or forms answer with are written as serde writes them without attributes: the name, then
//! the content. A `tag` inside the content would make the browser carry a second reader of everything the enum
//! holds, which reads it from a buffer.

use std::marker::PhantomData;

use leptos::server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType, codec::Post};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::Error;

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

/// A large value as the JSON it travels as. Who draws it opens it, so its reader stands in the part of the browser's code that
/// draws it, and not in what every page loads.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub(crate) struct Parcel<T> {
    json: Box<RawValue>,
    #[serde(skip)]
    holds: PhantomData<fn() -> T>,
}

impl<T: Serialize> Parcel<T> {
    /// Writes a value as its JSON.
    ///
    /// # Errors
    ///
    /// [`Error::Silent`] when the value has no JSON, which none of the view models comes to.
    #[cfg(feature = "ssr")]
    pub(crate) fn pack(value: &T) -> Result<Self, Error> {
        let json = serde_json::value::to_raw_value(value).map_err(|_| Error::Silent)?;
        Ok(Self { json, holds: PhantomData })
    }
}

impl<T: DeserializeOwned> Parcel<T> {
    /// Reads the value.
    ///
    /// # Errors
    ///
    /// [`Error::Silent`] when it is of another shape, as when the server was replaced by a newer one meanwhile.
    pub(crate) fn open(&self) -> Result<T, Error> {
        serde_json::from_str(self.json.get()).map_err(|_| Error::Silent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "ssr")]
    #[test]
    fn what_is_packed_stands_as_itself_in_an_answer_and_opens_as_it_was() {
        let packed = Parcel::pack(&vec![1_u64, 2]).unwrap();
        let answer = JsonText::encode(&Ok::<_, Error>(packed)).unwrap();
        let read = <JsonText as Decodes<Result<Parcel<Vec<u64>>, Error>>>::decode(answer.clone()).unwrap().unwrap();

        assert_eq!(answer, r#"{"Ok":[1,2]}"#);
        assert_eq!(read.open().unwrap(), [1, 2]);
        assert_eq!(Parcel::<String> { json: read.json, holds: PhantomData }.open(), Err(Error::Silent));
    }

    #[test]
    fn values_survive_and_broken_text_is_refused() {
        let value = vec!["a".to_owned(), "é\"".to_owned()];

        assert_eq!(<JsonText as Decodes<Vec<String>>>::decode(JsonText::encode(&value).unwrap()).unwrap(), value);
        assert!(<JsonText as Decodes<Vec<String>>>::decode(Bytes::from_static(b"\xff")).is_err());
    }
}
