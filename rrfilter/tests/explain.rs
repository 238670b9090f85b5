//! What a layer says of a described request.
#![cfg(test)]

use std::sync::Arc;

use http::Extensions;
use rrcore::Scope;
use rrfilter::{Filter, FilterLayer, FilterSet, Operation};

#[test]
fn filters_are_told_in_the_order_in_which_they_apply() {
    let set = |id: &str| FilterSet::from(Filter::new(id, Operation::Mask, ["$.a"]).unwrap());
    let callers = Arc::new(set("caller"));
    let layer = FilterLayer::new()
        .scope(Scope::Proxy, set("proxy"))
        .scope(Scope::Target, FilterSet::empty())
        .scope(Scope::TargetCredential, set("upstream"))
        .per_caller(move |it| it.get::<()>().map(|()| Arc::clone(&callers)));
    assert!(layer.explain(&Extensions::new()).is_none(), "nobody knows the caller");
    let mut extensions = Extensions::new();
    extensions.insert(());
    let told = layer.explain(&extensions).unwrap();
    let told: Vec<_> = told.iter().map(|(scope, it)| (*scope, &**it.id())).collect();
    let expected = [
        (Scope::TargetCredential, "upstream"),
        (Scope::ProxyCredential, "caller"),
        (Scope::Proxy, "proxy"),
    ];
    assert_eq!(told, expected);
}
