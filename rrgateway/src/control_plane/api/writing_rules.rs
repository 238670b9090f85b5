//! The page on writing rules, as HTML: nothing to run or to fetch.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// The page.
pub(crate) fn page() -> String {
    let mut page = HEAD.to_owned();
    html::push_html(&mut page, with_ids(rrrules::WRITING_RULES).into_iter());
    page.push_str("</main></body></html>\n");
    page
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
<meta name=\"viewport\" content=\"width=device-width\">\
<title>Writing rules</title><link rel=\"stylesheet\" href=\"/docs.css\"></head><body><main>\n\
<p><a href=\"/docs\">rrgateway Core API</a></p>\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_within_the_page_leads_somewhere() {
        let page = page();
        let mut links: Vec<_> = page.split("href=\"#").skip(1).collect();
        links.iter_mut().for_each(|it| *it = it.split_once('"').unwrap().0);
        assert!(links.len() > 8, "{links:?}");
        for link in links {
            assert!(page.contains(&format!(" id=\"{link}\">")), "{link}");
        }
    }

    #[test]
    fn examples_and_tables_are_shown_as_such() {
        let page = page();
        assert!(page.contains("<pre><code class=\"language-json\">{\"effect\": "));
        assert!(page.contains("<td><code>never-matches</code></td>"));
        assert!(!page.contains("```") && !page.contains("<script"));
    }
}
