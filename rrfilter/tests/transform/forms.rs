//! Forms as JSON, and JSON as forms.

use rrfilter::BodyStep;

use crate::support::{changed, check, refuse};

#[test]
fn a_form_becomes_an_object_of_texts() {
    check(from(), "", "{}");
    check(from(), "a=1&b=x+y&c", r#"{"a":"1","b":"x y","c":""}"#);
    check(from(), "a=1&b=2&a=3&a=", r#"{"a":["1","3",""],"b":"2"}"#);
    check(from(), "a%5B0%5D=%C3%A9%26%3D%2B", r#"{"a[0]":"é&=+"}"#);
    check(from(), "&&=&a=b=c&", r#"{"":"","a":"b=c"}"#);
    check(from(), "a=%zz%2", r#"{"a":"%zz%2"}"#);
    check(from(), "a=%22%5C%0a", r#"{"a":"\"\\\u000a"}"#);
    // One name, however it is written: never two members of one name.
    check(from(), "a=1&%61=2", r#"{"a":["1","2"]}"#);
    refuse(from(), "a=%ff", "it is not a form in UTF-8");
}

#[test]
fn an_object_of_scalars_becomes_a_form() {
    let to = BodyStep::to_form;
    check(to(), "{}", "");
    check(to(), r#"{"a":"x y&=","b":1.0,"c":true,"d":null}"#, "a=x%20y%26%3D&b=1.0&c=true");
    check(to(), r#"{"a":[1,"2",null],"\u00e9":[]}"#, "a=1&a=2");
    check(to(), r#"{"n":9007199254740993}"#, "n=9007199254740993");
    check(to(), r#"{"a\r\n":"\u0000"}"#, "a%0D%0A=%00");
    let none = "it is not an object of texts and lists of texts, which a form could carry";
    for bad in ["[]", "7", r#"{"a":{}}"#, r#"{"a":[[]]}"#, r#"{"a":[{}]}"#] {
        refuse(to(), bad, none);
    }
}

#[test]
fn a_form_is_changed_on_its_way_to_a_form() {
    let steps = [from(), BodyStep::remove("/b").unwrap(), BodyStep::to_form()];
    assert_eq!(changed(steps, "a=1&b=2&c=%20&a=3").unwrap(), "a=1&a=3&c=%20");
}

fn from() -> BodyStep {
    BodyStep::from_form()
}
