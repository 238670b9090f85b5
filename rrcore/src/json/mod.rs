//! JSON as it arrives: a validating push scanner, and singular JSONPath queries.
