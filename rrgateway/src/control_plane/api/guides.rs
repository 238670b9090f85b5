//! The pages that are written in Markdown, as HTML: nothing to run or to fetch.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// A page for people, beside the description of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guide {
    WritingRules,
    Credentials,
    Limits,
    HidingFields,
    Transforming,
    WebSockets,
    Metrics,
}

impl Guide {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::WritingRules,
        Self::Credentials,
        Self::Limits,
        Self::HidingFields,
        Self::Transforming,
        Self::WebSockets,
        Self::Metrics,
    ];

    /// Where it is served.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::WritingRules => "/docs/writing-rules",
            Self::Credentials => "/docs/credentials",
            Self::Limits => "/docs/limits",
            Self::HidingFields => "/docs/hiding-fields",
            Self::Transforming => "/docs/transforming",
            Self::WebSockets => "/docs/websockets",
            Self::Metrics => "/docs/metrics",
        }
    }

    /// What it is called.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::WritingRules => "Writing rules",
            Self::Credentials => "Credentials",
            Self::Limits => "Limits and budgets",
            Self::HidingFields => "Hiding fields",
            Self::Transforming => "Transforming",
            Self::WebSockets => "WebSockets",
            Self::Metrics => "Metrics",
        }
    }

    /// What it tells.
    pub(crate) const fn summary(self) -> &'static str {
        match self {
            Self::WritingRules => "Tell how rules are written",
            Self::Credentials => "Tell how callers and the gateway prove who they are",
            Self::Limits => "Tell how callers are held to limits and budgets",
            Self::HidingFields => "Tell how fields of responses are hidden",
            Self::Transforming => "Tell how requests and responses are changed",
            Self::WebSockets => "Tell how callers speak WebSocket with an upstream",
            Self::Metrics => "Tell what is measured, and who may read it",
        }
    }

    /// The page as HTML.
    pub(crate) fn html(self) -> String {
        let mut page = format!("{HEAD}<title>{}</title>{STYLED}", self.title());
        html::push_html(&mut page, with_ids(self.markdown()).into_iter());
        page.push_str("</main></body></html>\n");
        page
    }

    const fn markdown(self) -> &'static str {
        match self {
            Self::WritingRules => rrrules::WRITING_RULES,
            Self::Credentials => include_str!("../../../docs/credentials.md"),
            Self::Limits => include_str!("../../../docs/limits.md"),
            Self::HidingFields => include_str!("../../../docs/hiding-fields.md"),
            Self::Transforming => rrfilter::TRANSFORMING,
            Self::WebSockets => include_str!("../../../docs/websockets.md"),
            Self::Metrics => include_str!("../../../docs/metrics.md"),
        }
    }
}

// Headings are linked to by their text, as rustdoc names them, which shows the same page.
fn with_ids(markdown: &str) -> Vec<Event<'_>> {
    let mut events: Vec<_> = Parser::new_ext(markdown, Options::ENABLE_TABLES).collect();
    let mut at = None;
    let mut text = String::new();
    for index in 0..events.len() {
        match events.get(index) {
            Some(Event::Start(Tag::Heading { .. })) => at = Some(index),
            Some(Event::Text(it) | Event::Code(it)) if at.is_some() => text.push_str(it),
            Some(Event::End(TagEnd::Heading(_))) => {
                let heading = at.take().and_then(|at| events.get_mut(at));
                if let Some(Event::Start(Tag::Heading { id, .. })) = heading {
                    *id = Some(CowStr::from(slug(&text)));
                }
                text.clear();
            }
            _ => {}
        }
    }
    events
}

fn slug(text: &str) -> String {
    let text = text.to_lowercase().replace(' ', "-");
    text.chars().filter(|it| it.is_alphanumeric() || *it == '-').collect()
}

const HEAD: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width\">";
const STYLED: &str = "<link rel=\"stylesheet\" href=\"/docs.css\"></head><body><main>\n\
<p><a href=\"/docs\">rrgateway Core API</a></p>\n";

#[cfg(test)]
mod tests {
    use super::*;

    use serde_json::Value;

    use crate::control_plane::config::draft::Draft;
    use crate::control_plane::config::resource::Kind;
    use crate::control_plane::config::rotation::Rotation;
    use crate::control_plane::wire::fields::Flaw;
    use crate::control_plane::wire::json::Json;
    use crate::model::EgressPolicy;

    #[test]
    fn every_link_within_a_page_leads_somewhere() {
        for page in Guide::ALL.map(Guide::html) {
            let mut links: Vec<_> = page.split("href=\"#").skip(1).collect();
            links.iter_mut().for_each(|it| *it = it.split_once('"').unwrap().0);
            assert!(links.len() > 6, "{links:?}");
            for link in links {
                assert!(page.contains(&format!(" id=\"{link}\">")), "{link}");
            }
        }
    }

    #[test]
    fn examples_and_tables_are_shown_as_such() {
        for (page, cell) in [
            (Guide::WritingRules, "<td><code>never-matches</code></td>"),
            (Guide::Credentials, "<td>401 <code>credential-missing</code></td>"),
            (Guide::Limits, "<td><code>noResponse</code></td>"),
            (Guide::HidingFields, "<td>502 <code>response-too-large</code></td>"),
            (Guide::Transforming, "<td>502 <code>response-too-large</code></td>"),
            (Guide::WebSockets, "<td>502 <code>upstream-invalid-response</code></td>"),
            (Guide::Metrics, "<td><code>rrgateway_ready</code></td>"),
        ] {
            let html = page.html();
            let example = if page == Guide::Metrics { "yaml\">scrape_" } else { "json\">{\"" };
            assert!(html.contains(&format!("<pre><code class=\"language-{example}")));
            assert!(html.contains(cell), "{cell}");
            assert!(!html.contains("```") && !html.contains("<script"));
            assert!(html.contains(&format!("<title>{}</title>", page.title())));
        }
    }

    #[test]
    fn every_example_of_a_credential_is_one() {
        let (mut kinds, mut types) = (Vec::new(), Vec::new());
        for text in examples() {
            let value: Value = serde_json::from_str(text).unwrap();
            let kind = kind(&value);
            read(kind, text).unwrap_or_else(|flaws| panic!("{flaws:?}: {text}"));
            kinds.push(kind);
            if let Some(auth) = value["auth"]["type"].as_str() {
                types.push(format!("{auth} of {}", value["kind"].as_str().unwrap_or_default()));
            }
        }
        for kind in [Some(Kind::Target), Some(Kind::Proxy), Some(Kind::Configuration), None] {
            assert!(kinds.contains(&kind), "{kind:?}");
        }
        let of_callers =
            ["apiKey", "bearer", "basicAuth", "jwt", "jwtVerify", "introspection", "mtls"];
        for auth in of_callers {
            assert!(types.contains(&format!("{auth} of proxy")), "{auth}");
        }
        let of_upstreams = [
            "apiKey",
            "bearer",
            "basicAuth",
            "jwt",
            "oauth2",
            "customToken",
            "awsSigV4",
            "hmac",
            "custom",
            "none",
        ];
        for auth in of_upstreams {
            assert!(types.contains(&format!("{auth} of target")), "{auth}");
        }
    }

    #[test]
    fn every_example_of_a_limit_is_one() {
        let mut kinds = Vec::new();
        for text in examples_of(Guide::Limits) {
            let value: Value = serde_json::from_str(text).unwrap();
            let kind = kind(&value);
            read(kind, text).unwrap_or_else(|flaws| panic!("{flaws:?}: {text}"));
            kinds.push(kind);
        }
        for kind in [Some(Kind::Meter), Some(Kind::Proxy), Some(Kind::Configuration)] {
            assert!(kinds.contains(&kind), "{kind:?}");
        }
    }

    #[test]
    fn every_example_of_a_filter_is_one() {
        let (mut filters, mut proxies) = (0, 0);
        for text in examples_of(Guide::HidingFields) {
            let value: Value = serde_json::from_str(text).unwrap();
            let kind = kind(&value);
            read(kind, text).unwrap_or_else(|flaws| panic!("{flaws:?}: {text}"));
            filters += usize::from(kind == Some(Kind::Filter));
            proxies += usize::from(kind == Some(Kind::Proxy));
        }
        assert!(filters > 7 && proxies == 1, "{filters} {proxies}");
    }

    #[test]
    fn every_example_of_a_websocket_is_one() {
        let mut kinds = Vec::new();
        for text in examples_of(Guide::WebSockets) {
            let kind = kind(&serde_json::from_str(text).unwrap());
            read(kind, text).unwrap_or_else(|flaws| panic!("{flaws:?}: {text}"));
            kinds.push(kind);
        }
        assert_eq!(kinds, [Some(Kind::Proxy), Some(Kind::Rule)]);
    }

    #[test]
    fn an_example_with_a_misspelt_member_would_be_noticed() {
        for text in examples() {
            let Some(rest) = text.trim_start().strip_prefix('{') else { panic!("{text}") };
            let misspelt = format!("{{\"nmae\": 1, {rest}");
            let value: Value = serde_json::from_str(text).unwrap();
            read(kind(&value), &misspelt).unwrap_err();
        }
    }

    // `None`: what a rotation is asked for with.
    fn kind(example: &Value) -> Option<Kind> {
        let known = [
            ("graceSeconds", None),
            ("baseUrl", Some(Kind::Target)),
            ("targetId", Some(Kind::Proxy)),
            ("kind", Some(Kind::Credential)),
            ("operation", Some(Kind::Filter)),
            ("effect", Some(Kind::Rule)),
            ("type", Some(Kind::Meter)),
            ("authFailuresPerMinute", Some(Kind::Configuration)),
        ];
        let found = known.into_iter().find(|(member, _)| example.get(member).is_some());
        found.unwrap_or_else(|| panic!("{example}")).1
    }

    fn read(kind: Option<Kind>, text: &str) -> Result<(), Vec<Flaw>> {
        let json = Json::parse(text.as_bytes()).unwrap();
        match kind {
            Some(kind) => Draft::read(kind, json, &EgressPolicy::default()).map(drop),
            None => Rotation::read(json).map(drop),
        }
    }

    fn examples() -> Vec<&'static str> {
        let examples = examples_of(Guide::Credentials);
        assert!(examples.len() > 20, "{}", examples.len());
        examples
    }

    fn examples_of(guide: Guide) -> Vec<&'static str> {
        let blocks = guide.markdown().split("```").skip(1).step_by(2);
        blocks.filter_map(|it| it.strip_prefix("json\n")).collect()
    }
}
