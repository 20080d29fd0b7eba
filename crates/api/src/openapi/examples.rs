//! The examples of the OpenAPI document, from `examples.json`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use utoipa::openapi::path::{Operation, ParameterBuilder};
use utoipa::openapi::{Content, RefOr};

const EXAMPLES: &str = include_str!("examples.json");

/// Examples by operation.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Examples {
    /// Values by parameter name, for all operations.
    parameters: BTreeMap<String, Value>,
    /// Examples by operation id.
    operations: BTreeMap<String, OperationExamples>,
}

/// Examples of one operation.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct OperationExamples {
    /// Values by parameter name, which take precedence over those for all operations.
    parameters: BTreeMap<String, Value>,
    /// The request body.
    request: Option<Value>,
    /// Response bodies by status and media type.
    responses: BTreeMap<String, BTreeMap<String, Value>>,
    /// The `Location` header of redirects.
    location: Option<Value>,
}

impl Examples {
    /// Returns the examples; none if the file is malformed, which a test excludes.
    pub(super) fn load() -> Self {
        serde_json::from_str(EXAMPLES).unwrap_or_default()
    }

    /// Adds the examples of an operation.
    pub(super) fn add_to(&self, operation: &mut Operation) {
        let none = OperationExamples::default();
        let id = operation.operation_id.as_deref().unwrap_or_default();
        let examples = self.operations.get(id).unwrap_or(&none);
        self.add_parameters(operation, examples);
        if let (Some(RefOr::T(body)), Some(request)) =
            (&mut operation.request_body, &examples.request)
        {
            for content in body.content.values_mut() {
                set_example(content, request);
            }
        }
        for (status, response) in &mut operation.responses.responses {
            let RefOr::T(response) = response else {
                continue;
            };
            let bodies = examples.responses.get(status);
            for (media_type, content) in &mut response.content {
                if let Some(body) = bodies.and_then(|bodies| bodies.get(media_type)) {
                    set_example(content, body);
                }
            }
            if let Some(RefOr::T(location)) = response.headers.get_mut("Location") {
                location.example.clone_from(&examples.location);
            }
        }
    }

    fn add_parameters(&self, operation: &mut Operation, examples: &OperationExamples) {
        for parameter in operation.parameters.iter_mut().flatten() {
            if let RefOr::T(parameter) = parameter {
                let own = examples.parameters.get(&parameter.name);
                let example = own.or_else(|| self.parameters.get(&parameter.name));
                let builder = ParameterBuilder::from(std::mem::take(parameter));
                *parameter = builder.example(example.cloned()).build();
            }
        }
    }
}

fn set_example(content: &mut RefOr<Content>, example: &Value) {
    if let RefOr::T(content) = content {
        content.example = Some(example.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the documented operation with this id.
    fn operation<'a>(document: &'a Value, id: &str) -> &'a Value {
        let paths = document["paths"].as_object().unwrap().values();
        paths
            .flat_map(|path| path.as_object().unwrap().values())
            .find(|operation| operation["operationId"] == id)
            .unwrap_or_else(|| panic!("no operation has the id {id}"))
    }

    #[test]
    fn every_example_is_in_the_document() {
        let examples: Examples = serde_json::from_str(EXAMPLES).unwrap();
        let document: Value = serde_json::from_str(&crate::openapi_json()).unwrap();
        for (id, examples) in &examples.operations {
            let operation = operation(&document, id);
            for (status, bodies) in &examples.responses {
                for (media_type, body) in bodies {
                    let content = &operation["responses"][status]["content"][media_type];
                    assert_eq!(&content["example"], body, "{id} {status} {media_type}");
                }
            }
            assert_eq!(
                examples.request.is_some(),
                operation["requestBody"].is_object(),
                "{id}"
            );
        }
    }
}
