//! What is kept of users and groups, as a table that reading, patching and `/Schemas` share.

use serde_json::{Map, Value, json};

use super::{Fault, FaultKind};

/// The longest text of an attribute, in characters.
const TEXT_MAX: usize = 256;
/// Most values of an attribute that has several, but for members.
const VALUES_MAX: usize = 50;

/// A kind of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A user of the directory.
    User,
    /// A group of users.
    Group,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text, compared without case.
    Text,
    /// Text, compared with case.
    Exact,
    /// True or false.
    Boolean,
    /// Members of their own.
    Complex(&'static [Attribute]),
}

/// One attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name, as answers write it.
    pub name: &'static str,
    /// What a value is.
    pub kind: Kind,
    /// Whether it has several values.
    pub several: bool,
    /// Whether a resource must have it.
    pub required: bool,
}

const fn one(name: &'static str, kind: Kind) -> Attribute {
    Attribute { name, kind, several: false, required: false }
}

const fn required(name: &'static str, kind: Kind) -> Attribute {
    Attribute { name, kind, several: false, required: true }
}

const fn several(name: &'static str, members: &'static [Attribute]) -> Attribute {
    Attribute { name, kind: Kind::Complex(members), several: true, required: false }
}

const NAME: &[Attribute] = &[one("formatted", Kind::Text), one("familyName", Kind::Text), one("givenName", Kind::Text)];
const EMAIL: &[Attribute] =
    &[one("value", Kind::Text), one("display", Kind::Text), one("type", Kind::Text), one("primary", Kind::Boolean)];
const MEMBER: &[Attribute] = &[one("value", Kind::Exact), one("display", Kind::Text), one("type", Kind::Text)];

const USER: &[Attribute] = &[
    required("userName", Kind::Text),
    one("externalId", Kind::Exact),
    one("name", Kind::Complex(NAME)),
    one("displayName", Kind::Text),
    one("active", Kind::Boolean),
    several("emails", EMAIL),
];
const GROUP: &[Attribute] =
    &[required("displayName", Kind::Text), one("externalId", Kind::Exact), several("members", MEMBER)];

const VALUE: &[Attribute] =
    &[one("value", Kind::Text), one("display", Kind::Text), one("type", Kind::Text), one("primary", Kind::Boolean)];
const ADDRESS: &[Attribute] = &[
    one("formatted", Kind::Text),
    one("streetAddress", Kind::Text),
    one("locality", Kind::Text),
    one("region", Kind::Text),
    one("postalCode", Kind::Text),
    one("country", Kind::Text),
    one("type", Kind::Text),
    one("primary", Kind::Boolean),
];

/// Attributes of the core schema that are taken without complaint and not kept. They are described, because a directory
/// may send what is described only.
const UNKEPT: &[Attribute] = &[
    one("nickName", Kind::Text),
    one("profileUrl", Kind::Exact),
    one("title", Kind::Text),
    one("userType", Kind::Text),
    one("preferredLanguage", Kind::Text),
    one("locale", Kind::Text),
    one("timezone", Kind::Text),
    one("password", Kind::Exact),
    several("phoneNumbers", VALUE),
    several("ims", VALUE),
    several("photos", VALUE),
    several("addresses", ADDRESS),
    several("entitlements", VALUE),
    several("roles", VALUE),
    several("x509Certificates", VALUE),
];
/// Attributes that are the server's own.
const OWN: [&str; 4] = ["id", "meta", "schemas", "groups"];

impl Resource {
    /// Returns the name in addresses and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Resource::User => "User",
            Resource::Group => "Group",
        }
    }

    /// Returns the URN of the schema.
    pub const fn schema(self) -> &'static str {
        match self {
            Resource::User => "urn:ietf:params:scim:schemas:core:2.0:User",
            Resource::Group => "urn:ietf:params:scim:schemas:core:2.0:Group",
        }
    }

    /// Returns the path of the collection below the root of the door.
    pub const fn path(self) -> &'static str {
        match self {
            Resource::User => "/Users",
            Resource::Group => "/Groups",
        }
    }

    /// Returns what is kept.
    pub const fn attributes(self) -> &'static [Attribute] {
        match self {
            Resource::User => USER,
            Resource::Group => GROUP,
        }
    }

    /// Returns the schema as a document (RFC 7643 section 7).
    pub fn document(self, base: &str) -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": self.schema(),
            "name": self.name(),
            "description": match self { Resource::User => "A user of the directory", Resource::Group => "A group of users" },
            "attributes": self.described(),
            "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{}", self.schema())},
        })
    }

    fn described(self) -> Vec<Value> {
        let mut described = describe(self.attributes(), self, KEPT);
        match self {
            Resource::User => {
                described.extend(describe(UNKEPT, self, NOT_KEPT));
                described.push(json!({
                    "name": "groups", "type": "complex", "multiValued": true, "required": false,
                    "description": "groups of a User, which the group says", "mutability": "readOnly", "returned": "never",
                    "subAttributes": [reference("Group", ("readOnly", "never")), member("value"), member("display"), member("type")],
                }));
            }
            // A member is found by its value; its address is the server's own.
            Resource::Group => {
                for attribute in described.iter_mut().filter(|attribute| attribute["name"] == "members") {
                    if let Some(members) = attribute["subAttributes"].as_array_mut() {
                        members.push(reference("User", ("immutable", "default")));
                    }
                }
            }
        }
        described
    }

    /// Returns the resource type as a document (RFC 7643 section 6).
    pub fn resource_type(self, base: &str) -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": self.name(),
            "name": self.name(),
            "endpoint": self.path(),
            "schema": self.schema(),
            "meta": {"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{}", self.name())},
        })
    }
}

/// What the door offers (RFC 7643 section 5).
pub fn service_provider_config(base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": super::COUNT_MAX},
        "changePassword": {"supported": false},
        "sort": {"supported": false},
        "etag": {"supported": true},
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Directory token",
            "description": "A token that an admin issues for one identity provider, sent as Authorization: Bearer",
            "primary": true,
        }],
        "meta": {"resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig")},
    })
}

/// Finds an attribute by its name in any case, with or without the URN of its schema.
pub fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

/// Where a name of a request leads.
pub(super) enum Place<'a> {
    Kept(&'a Attribute),
    /// Known to the standard and not kept.
    Unkept,
    /// The server's own.
    Own,
    Unknown,
}

pub(super) fn place(resource: Resource, name: &str) -> Place<'static> {
    let among = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    match find(resource.attributes(), name) {
        Some(attribute) => Place::Kept(attribute),
        None if among(&OWN) => Place::Own,
        None if resource == Resource::User && find(UNKEPT, name).is_some() => Place::Unkept,
        None => Place::Unknown,
    }
}

/// Puts a value under its attribute; null and an empty list take it away.
pub(super) fn put(document: &mut Map<String, Value>, attribute: &Attribute, value: &Value) -> Result<(), Fault> {
    match values(attribute, value)? {
        Some(value) => {
            document.insert(attribute.name.to_owned(), value);
        }
        None => {
            document.remove(attribute.name);
        }
    }
    Ok(())
}

/// Reads a value of an attribute, all of them where it has several; nothing where it says nothing.
pub(super) fn values(attribute: &Attribute, value: &Value) -> Result<Option<Value>, Fault> {
    if value.is_null() {
        return Ok(None);
    }
    if !attribute.several {
        return single(attribute, value);
    }
    let most = if attribute.name == "members" { super::MEMBERS_MAX } else { VALUES_MAX };
    let items = match value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    if items.len() > most {
        return Err(Fault::new(FaultKind::InvalidValue, format!("{} has at most {most} values.", attribute.name)));
    }
    let mut read: Vec<Value> = Vec::with_capacity(items.len());
    for item in items {
        read.extend(single(attribute, item)?);
    }

    Ok((!read.is_empty()).then_some(Value::Array(read)))
}

/// Reads one value.
pub(super) fn single(attribute: &Attribute, value: &Value) -> Result<Option<Value>, Fault> {
    let unfit = |what: &str| Fault::new(FaultKind::InvalidValue, format!("{} is {what}.", attribute.name));
    match (attribute.kind, value) {
        (Kind::Text | Kind::Exact, Value::String(text)) => {
            let length = text.chars().count();
            if attribute.required && text.trim().is_empty() {
                return Err(unfit("not empty"));
            }
            if length > TEXT_MAX || text.chars().any(char::is_control) {
                return Err(unfit("a text of at most 256 characters without control characters"));
            }
            Ok((length > 0).then(|| text.as_str().into()))
        }
        (Kind::Text | Kind::Exact, _) => Err(unfit("a text")),
        (Kind::Boolean, Value::Bool(_)) => Ok(Some(value.clone())),
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true.into())),
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false.into())),
        (Kind::Boolean, _) => Err(unfit("true or false")),
        (Kind::Complex(members), Value::Object(given)) => {
            let mut read = Map::new();
            for (name, value) in given {
                if let Some(member) = find(members, name) {
                    put(&mut read, member, value)?;
                }
            }
            Ok((!read.is_empty()).then_some(Value::Object(read)))
        }
        (Kind::Complex(_), _) => Err(unfit("an object")),
    }
}

/// Mutability and when it is returned, as the schema says them.
type Use = (&'static str, &'static str);
const KEPT: Use = ("readWrite", "default");
const NOT_KEPT: Use = ("writeOnly", "never");

fn reference(to: &str, (mutability, returned): Use) -> Value {
    json!({
        "name": "$ref", "type": "reference", "referenceTypes": [to], "multiValued": false, "required": false,
        "description": format!("address of a {to}"), "caseExact": true, "mutability": mutability, "returned": returned,
        "uniqueness": "none",
    })
}

fn member(name: &str) -> Value {
    json!({
        "name": name, "type": "string", "multiValued": false, "required": false,
        "description": format!("{name} of a group"), "caseExact": false, "mutability": "readOnly", "returned": "never",
        "uniqueness": "none",
    })
}

fn describe(attributes: &[Attribute], resource: Resource, (mutability, returned): Use) -> Vec<Value> {
    attributes
        .iter()
        .map(|attribute| {
            let mut described = json!({
                "name": attribute.name,
                "type": match attribute.kind { Kind::Text | Kind::Exact => "string", Kind::Boolean => "boolean", Kind::Complex(_) => "complex" },
                "multiValued": attribute.several,
                "description": format!("{} of a {}", attribute.name, resource.name()),
                "required": attribute.required,
                "mutability": mutability,
                "returned": returned,
            });
            match attribute.kind {
                Kind::Complex(members) => described["subAttributes"] = describe(members, resource, (mutability, returned)).into(),
                Kind::Text | Kind::Exact => {
                    described["caseExact"] = (attribute.kind == Kind::Exact).into();
                    described["uniqueness"] = (if attribute.required { "server" } else { "none" }).into();
                }
                Kind::Boolean => {}
            }
            described
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory that reads the schemas sends what they describe only, and one (Canaille) fails where an attribute of
    /// the core schema lacks, although it would send nothing in it.
    #[test]
    fn the_whole_core_schema_is_described_and_what_is_not_kept_is_never_returned() {
        let names = |document: &Value| -> Vec<String> {
            let attributes = document["attributes"].as_array().unwrap();
            attributes.iter().map(|attribute| attribute["name"].as_str().unwrap().to_owned()).collect()
        };
        let user = Resource::User.document("https://desk.example.org/scim/v2");
        let group = Resource::Group.document("https://desk.example.org/scim/v2");

        // RFC 7643 section 4.1, and externalId of section 3.1.
        let mut found = names(&user);
        found.sort();
        assert_eq!(
            found.join(" "),
            "active addresses displayName emails entitlements externalId groups ims locale name nickName password \
             phoneNumbers photos preferredLanguage profileUrl roles timezone title userName userType x509Certificates"
        );
        for attribute in user["attributes"].as_array().unwrap() {
            let name = attribute["name"].as_str().unwrap();
            let kept = matches!(place(Resource::User, name), Place::Kept(_));
            assert_eq!(attribute["returned"] == "default", kept, "{name}");
            let writable = if name == "groups" { "readOnly" } else { "writeOnly" };
            assert_eq!(attribute["mutability"], if kept { "readWrite" } else { writable }, "{name}");
        }
        let members = group["attributes"].as_array().unwrap().iter().find(|one| one["name"] == "members").unwrap();
        let address = members["subAttributes"].as_array().unwrap().iter().find(|one| one["name"] == "$ref").unwrap();
        assert_eq!(address["returned"], "default", "answers show where a member is");
        assert!(find(MEMBER, "$ref").is_none(), "a member is found by its value");
    }
}
