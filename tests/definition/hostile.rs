//! Documents that would take all memory, or for ever: refused early, with the place and what to do.

use super::{helps, many, rendered, said};
use serel::definition::rdf;

const HEAD: &str = "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" \
                    xmlns=\"http://www.fastboot.org/2002/03/graph-schema#\">";

/// The one thing that is said of a document of which nothing is read.
#[track_caller]
fn refused(document: &str) -> String {
    let reading = rdf::parse("f.rdf", document.as_bytes());
    assert_eq!(reading.definitions, []);
    assert!(reading.diagnostics.iter().all(helps));
    let said = said(&reading.diagnostics);
    assert!(rendered(&reading.diagnostics).len() < 1000, "short, whatever the document");
    let [one] = &said[..] else { panic!("{said:?}") };
    one.clone()
}

#[test]
fn entities_made_of_entities() {
    let laughs: String =
        many(1..10, |n| format!("<!ENTITY l{n} \"{}\">\n", format!("&l{};", n - 1).repeat(10)));
    let text =
        format!("<!DOCTYPE r [\n<!ENTITY l0 \"ha\">\n{laughs}]>\n{HEAD}<service rdf:ID=\"&l9;\"/></rdf:RDF>");
    assert_eq!(refused(&text), "1:1 an entity that is made of entities");
    let parameters = format!("<!DOCTYPE r [<!ENTITY % a \"%b;%b;\">]>{HEAD}</rdf:RDF>");
    assert_eq!(refused(&parameters), "1:1 an entity that is made of entities");
}

#[test]
fn entities_of_other_files_and_long_ones() {
    for external in ["SYSTEM \"file:///etc/shadow\"", "PUBLIC \"x\" \"http://example.org/\"", "SYSTEM 'x'"] {
        let text =
            format!("\n<!DOCTYPE r [<!ENTITY e {external}>]>{HEAD}<service rdf:ID=\"&e;\"/></rdf:RDF>");
        assert_eq!(refused(&text), "2:1 an entity from another file, which is not read", "{external}");
    }
    let long =
        format!("<!DOCTYPE r [<!ENTITY e \"{}\">]>{HEAD}{}</rdf:RDF>", "x".repeat(300), "&e;".repeat(1000));
    assert_eq!(refused(&long), "1:1 an entity of more than 256 bytes");
    assert_eq!(
        refused(&format!("<!DOCTYPE r [<!ENTITY e x>]>{HEAD}</rdf:RDF>")),
        "1:1 an entity without a value in quotes"
    );
    let unknown = refused(&format!("{HEAD}\n<service rdf:ID=\"&none;\"/></rdf:RDF>"));
    assert!(unknown.starts_with("2:") && unknown.contains("none"), "{unknown}");
    let dtd = format!("<!DOCTYPE r SYSTEM \"file:///etc/passwd\">{HEAD}<service rdf:ID=\"a\"/></rdf:RDF>");
    assert_eq!(rdf::parse("f.rdf", dtd.as_bytes()).definitions.len(), 1, "a document type is not fetched");
}

#[test]
fn a_hundred_thousand_elements_inside_each_other() {
    for (open, close) in [("<service>", "</service>"), ("<service><edges>", "</edges></service>")] {
        let text = format!("{HEAD}{}{}</rdf:RDF>", open.repeat(100_000), close.repeat(100_000));
        assert!(refused(&text).ends_with("more than 64 elements are open here"));
        let cut = format!("{HEAD}{}", open.repeat(100_000));
        assert!(refused(&cut).ends_with("more than 64 elements are open here"));
    }
}

#[test]
fn a_tag_of_a_megabyte() {
    let long = "x".repeat(1_000_000);
    for tag in [
        format!("<service rdf:ID=\"{long}\"/>"),
        format!("<service rdf:ID=\"a\" xml:base=\"http://{long}/\"/>"),
        format!("<service xmlns:x=\"{long}\" rdf:ID=\"a\"></service>"),
        format!("<{long}/>"),
    ] {
        assert_eq!(refused(&format!("{HEAD}\n{tag}</rdf:RDF>")), "2:1 this tag has more than 16 KiB");
    }
    let text = format!("{HEAD}<service rdf:ID=\"a\"><edges>{long}</edges></service></rdf:RDF>");
    let reading = rdf::parse("f.rdf", text.as_bytes());
    assert_eq!(reading.definitions.len(), 1, "long text is no harm");
}

#[test]
fn namespaces_without_number() {
    let hundreds = many(0..300, |n| format!(" xmlns:n{n}=\"u:{n}\""));
    let text = format!("{HEAD}<service rdf:ID=\"a\"{hundreds}/></rdf:RDF>");
    assert!(refused(&text).ends_with("more than 256 namespaces are known here"));
    let again: String = many(0..300, |n| format!("<service rdf:ID=\"a{n}\" xmlns:n=\"u:{n}\"/>"));
    assert_eq!(rdf::parse("f", format!("{HEAD}{again}</rdf:RDF>").as_bytes()).definitions.len(), 300);
}

#[test]
fn a_long_base_is_not_repeated_without_end() {
    let base = format!("http://x/{}", "y".repeat(16_000));
    let many = "<service rdf:about=\"\"/>".repeat(40_000);
    let text = format!(
        "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" \
                        xmlns=\"http://www.fastboot.org/2002/03/graph-schema#\" xml:base=\"{base}\">{many}</rdf:RDF>"
    );
    assert_eq!(refused(&text), "0:0 this document says too much; nothing of it was read");
}

#[test]
fn ten_megabytes() {
    let text = format!("{HEAD}{}</rdf:RDF>", " ".repeat(10_000_000));
    assert_eq!(refused(&text), "0:0 this document has more than 8 MiB, and is not read");
}

#[test]
fn one_sequence_shared_by_a_thousand_services() {
    let services: String =
        many(0..1000, |n| format!("<service rdf:ID=\"s{n}\"><edges rdf:resource=\"#q\"/></service>"));
    let members: String = many(0..1000, |n| format!("<rdf:li rdf:resource=\"#e{n}\"/>"));
    let text = format!("{HEAD}{services}<rdf:Seq rdf:ID=\"q\">{members}</rdf:Seq></rdf:RDF>");
    let reading = rdf::parse("f.rdf", text.as_bytes());
    assert_eq!(reading.definitions.len(), 1000);
    assert_eq!(reading.diagnostics.len(), 51);
    assert_eq!(said(&reading.diagnostics)[50], "0:0 999950 more warnings about this document are not shown");
}

#[test]
fn one_sequence_shared_by_twenty_thousand_services() {
    let services: String =
        many(0..20_000, |n| format!("<service rdf:ID=\"s{n}\"><edges rdf:resource=\"#q\"/></service>"));
    let members: String = many(0..20_000, |n| format!("<rdf:li rdf:resource=\"#e{n}\"/>"));
    let text = format!("{HEAD}{services}<rdf:Seq rdf:ID=\"q\">{members}</rdf:Seq></rdf:RDF>");
    assert_eq!(
        refused(&text),
        "0:0 the services of this document share sequences that are too long; nothing of it was read"
    );
}

#[test]
fn an_entity_used_a_million_times() {
    let uses = "&e;".repeat(1_000_000);
    let text = format!(
        "<!DOCTYPE r [<!ENTITY e \"{}\">]>{HEAD}<service rdf:ID=\"a\"><s:description \
         xmlns:s=\"http://www.fastboot.org/2002/03/serel-schema#\">{uses}</s:description></service></rdf:RDF>",
        "x".repeat(256)
    );
    assert_eq!(refused(&text), "1:1 entities that stand for more than 8 MiB");
}

#[test]
fn what_the_parser_quotes_is_cut_and_made_harmless() {
    let said =
        rendered(&rdf::parse("f.rdf", format!("\x1b[2J{}", "x".repeat(100_000)).as_bytes()).diagnostics);
    assert!(said.len() < 600 && !said.contains('\x1b') && said.contains("..."), "{said}");
}

#[test]
fn half_a_document_is_none() {
    let text = format!("{HEAD}\n<service rdf:ID=\"a\"/>\n<service rdf:ID=\"b\"/>\n");
    assert_eq!(refused(&text), "4:1 this document ends before its elements are closed");
    assert_eq!(refused(&format!("{text}<service")).split(':').next(), Some("4"));
}

#[test]
fn malformed_documents_have_line_and_column() {
    for (text, place) in [
        ("not XML at all", "1:"),
        ("<rdf:RDF", "1:"),
        ("<x:a xmlns:x=\"u:\">\n<x:b>\n</x:a>", "3:"),
        ("<?xml version=\"1.0\"?>\n\n<a b=c/>", "3:"),
        ("<a>\n<b/></a>", "1:"),
        ("<rdf:li xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n&x;</rdf:li>", "1:"),
        (
            "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n<rdf:Description rdf:ID=\"1\"/>\n</rdf:RDF>",
            "2:",
        ),
    ] {
        let said = refused(text);
        assert!(said.starts_with(place) && !said.starts_with("1:0"), "{text:?}: {said}");
        assert!(said.contains("this is not RDF/XML: "), "{said}");
    }
    let mut bytes = HEAD.as_bytes().to_vec();
    bytes.extend(b"\n  \xff</rdf:RDF>");
    let reading = rdf::parse("f.rdf", &bytes);
    assert_eq!(said(&reading.diagnostics), ["2:3 this document is not UTF-8 from here on"]);
}
