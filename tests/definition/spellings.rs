//! The input is RDF, not a shape of XML: other spellings of the same triples make the same definitions.

use super::{helps, said, shorten};
use serel::definition::rdf;

const GRAPH: &str = "http://www.fastboot.org/2002/03/graph-schema#";
const SEREL: &str = "http://www.fastboot.org/2002/03/serel-schema#";

/// A document of these elements, with the usual prefixes.
fn document(elements: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" xmlns:serel=\"{SEREL}\" \
         xmlns:graph=\"{GRAPH}\" xmlns=\"{GRAPH}\">\n{elements}\n</rdf:RDF>\n"
    )
}

/// What a document means in short, and what is said of it.
fn read(document: &str) -> (Vec<String>, Vec<String>) {
    let reading = rdf::parse("f.rdf", document.as_bytes());
    assert!(reading.diagnostics.iter().all(helps), "{:?}", reading.diagnostics);
    (reading.definitions.iter().map(shorten).collect(), said(&reading.diagnostics))
}

/// `mail`, which needs `network` and should have `log`, in the spelling that lsb2rdf writes.
const PLAIN: &str = r##"<service rdf:ID="mail">
  <serel:provides>smtp</serel:provides>
  <serel:startLevels>2 3</serel:startLevels>
  <serel:summary>brings it</serel:summary>
  <edges><rdf:Seq><rdf:li rdf:resource="#e1" /><rdf:li rdf:resource="#e2" /></rdf:Seq></edges>
</service>
<edge rdf:ID="e1"><source rdf:resource="#network" /><target rdf:resource="#mail" /></edge>
<edge rdf:ID="e2"><source rdf:resource="#log" /><target rdf:resource="#mail" />
  <serel:relation>should-start</serel:relation></edge>"##;

const MEANING: &str =
    "provides mail smtp\nrequired-start network\nshould-start log\nstart 2 3\nsummary brings it\n";

#[track_caller]
fn means_the_same(document: &str) {
    assert_eq!(read(document), (vec![MEANING.to_owned()], vec![]), "{document}");
}

#[test]
fn the_plain_spelling() {
    means_the_same(&document(PLAIN));
}

#[test]
fn descriptions_with_types_and_property_attributes() {
    means_the_same(&document(&format!(
        r##"<rdf:Description rdf:about="#mail" serel:provides="smtp" serel:startLevels="2 3" serel:summary="brings it">
  <rdf:type rdf:resource="{GRAPH}service" />
  <edges rdf:resource="#list" />
</rdf:Description>
<rdf:Description rdf:ID="list">
  <rdf:type rdf:resource="http://www.w3.org/1999/02/22-rdf-syntax-ns#Seq" />
  <rdf:_2 rdf:resource="#e2" /><rdf:_1 rdf:resource="#e1" />
</rdf:Description>
<rdf:Description rdf:about="#e2" serel:relation="should-start">
  <rdf:type rdf:resource="{GRAPH}edge" /><target rdf:resource="#mail" /><source rdf:resource="#log" />
</rdf:Description>
<rdf:Description rdf:about="#e1"><source rdf:resource="#network" /><target rdf:resource="#mail" />
</rdf:Description>"##
    )));
}

#[test]
fn edges_inside_each_other_and_without_names() {
    means_the_same(&document(
        r##"<service rdf:about="#mail">
  <edges><rdf:Seq>
    <rdf:li><edge><source rdf:resource="#network" /><target rdf:resource="#mail" /></edge></rdf:li>
    <rdf:li rdf:parseType="Resource"><source rdf:resource="#log" /><target rdf:resource="#mail" />
      <serel:relation>should-start</serel:relation></rdf:li>
  </rdf:Seq></edges>
  <serel:summary>brings it</serel:summary><serel:startLevels>2</serel:startLevels>
  <serel:startLevels>3</serel:startLevels><serel:provides>smtp</serel:provides>
</service>"##,
    ));
}

#[test]
fn other_prefixes_and_an_order_turned_around() {
    let text = format!(
        r##"<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:g="{GRAPH}">
<g:edge r:ID="e2"><g:target r:resource="#mail" /><g:source r:resource="#log" />
  <relation xmlns="{SEREL}">should-start</relation></g:edge>
<g:edge r:ID="e1"><g:target r:resource="#mail" /><g:source r:resource="#network" /></g:edge>
<g:service r:ID="mail" xmlns:s="{SEREL}"><s:summary>brings it</s:summary><s:startLevels>3 2</s:startLevels>
  <g:edges><r:Seq><r:li r:resource="#e1" /><r:li r:resource="#e2" /></r:Seq></g:edges>
  <s:provides>smtp</s:provides></g:service></r:RDF>"##
    );
    means_the_same(&text);
}

#[test]
fn comments_sections_references_and_entities() {
    let text = document(PLAIN)
        .replace("brings it", "<![CDATA[brings it]]>")
        .replace("<edges>", "<!-- <service rdf:ID=\"no\" /> --><edges>")
        .replace("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n", "")
        .replace("#network", "#&net;")
        .replace("should-start", "&#115;hould&#x2d;start");
    let text = format!("<!DOCTYPE rdf:RDF [ <!ENTITY net \"network\"> ]>\n<!-- one -->\n{text}<!-- two -->");
    means_the_same(&text);
}

#[test]
fn text_in_pieces_is_one_text() {
    for pieces in [
        "bri<!-- ng -->ngs<![CDATA[ it]]>",
        "<![CDATA[brings]]><![CDATA[ ]]>it",
        "<!-- < & -->brings <![CDATA[it]]>",
    ] {
        means_the_same(&document(PLAIN).replace("brings it", pieces));
    }
    let text = document(
        "<service rdf:ID=\"a\"><serel:summary>a <![CDATA[<b> & ]]>&lt;c&gt;</serel:summary></service>",
    );
    assert_eq!(read(&text).0, ["provides a\nsummary a <b> & <c>\n"]);
    let text = document("<!-- one\ntwo\nthree -->\n<service rdf:ID=\"a\" serel:startLevels=\"x\" />");
    assert_eq!(read(&text).1, ["6:0 `x` is no runlevel, and is left out"], "lines stay where they are");
}

#[test]
fn a_base_of_ones_own() {
    means_the_same(&document(PLAIN).replace("<rdf:RDF", "<rdf:RDF xml:base=\"http://example.org/mine\""));
    let absolute = document(PLAIN)
        .replace("rdf:ID=\"", "rdf:about=\"http://example.org/s#")
        .replace("\"#", "\"http://example.org/s#");
    means_the_same(&absolute);
}

#[test]
fn blanks_and_line_ends_do_not_count() {
    means_the_same(&document(PLAIN).replace('\n', "\r\n"));
    means_the_same(&document(PLAIN).replace("> <", "><").replace('\n', " "));
    means_the_same(&document(PLAIN).replace("should-start<", "\n   should-start\n <"));
    means_the_same(&format!("\u{feff}{}", document(PLAIN)));
    means_the_same(&format!("\u{feff}{}<!-- \u{fc} -->", document(PLAIN)));
}

#[test]
fn facilities_by_name() {
    let text = document(
        r##"<service rdf:ID="a"><edges><rdf:Seq><rdf:li rdf:resource="#e" /></rdf:Seq></edges></service>
<edge rdf:ID="e"><source rdf:resource="#facility-network" /><target rdf:resource="#a" />
<serel:optional>true</serel:optional></edge>
<rdf:Description rdf:about="#facility-network" serel:facility="$network" />"##,
    );
    assert_eq!(read(&text), (vec!["provides a\nrequired-start +$network\n".to_owned()], vec![]));
}

#[test]
fn what_does_not_fit_is_said_with_its_line() {
    for (elements, expected) in [
        (
            r##"<edge rdf:ID="e"><source rdf:resource="#a"/><target rdf:resource="#b"/></edge><service rdf:ID="b"/>"##,
            "3:0 the edge e belongs to no service, and is left out",
        ),
        (
            r##"<service rdf:ID="a"><edges rdf:resource="#e"/></service>
<edge rdf:ID="e"><source rdf:resource="#a"/><target rdf:resource="#b"/></edge>"##,
            "4:0 the edge e is one of b's, not of this service, and is left out",
        ),
        (
            r##"<service rdf:ID="a"><edges rdf:resource="#e"/></service>"##,
            "3:0 the edge e is not defined, and is left out",
        ),
        (
            r##"<service rdf:ID="a"><edges rdf:resource="#e"/></service><edge rdf:ID="e"/>"##,
            "3:0 the edge e lacks a source or a target, and is left out",
        ),
        (
            r##"<service rdf:ID="a"><edges rdf:resource="#e"/></service>
<edge rdf:ID="e"><source rdf:resource="#b"/><target rdf:resource="#a"/><serel:relation>likes</serel:relation></edge>"##,
            "4:0 unknown relation `likes`; the edge is left out",
        ),
        (
            "<service rdf:ID=\"a\"><serel:startlevels>2</serel:startlevels></service>",
            "3:0 unknown property http://www.fastboot.org/2002/03/serel-schema#startlevels; it says nothing here",
        ),
        (
            "<service rdf:ID=\"a\"/><Service rdf:ID=\"b\"/>",
            "3:0 unknown class http://www.fastboot.org/2002/03/graph-schema#Service; it says nothing here",
        ),
        (
            "<service rdf:ID=\"a\"><serel:startLevels>2 x</serel:startLevels></service>",
            "3:0 `x` is no runlevel, and is left out",
        ),
        (
            "<service rdf:ID=\"a\"><serel:interactive>yes</serel:interactive></service>",
            "3:0 interactive is `yes`, which is taken for false",
        ),
        (
            "<service rdf:ID=\"a\"><serel:chkconfig>2</serel:chkconfig></service>",
            "3:0 `2` is no chkconfig line",
        ),
        (
            "<service rdf:ID=\"a\"><serel:chkconfig>2 100 1</serel:chkconfig></service>",
            "3:0 `2 100 1` is no chkconfig line",
        ),
        (
            "<service rdf:ID=\"a\"><serel:provides>b/c</serel:provides></service>",
            "3:0 `b/c` holds a `/`, and is left out",
        ),
        ("", "0:0 this document defines no service"),
    ] {
        let (definitions, diagnostics) = read(&document(elements));
        assert_eq!(diagnostics, [expected], "{elements}");
        assert!(definitions.len() <= 1);
    }
}

#[test]
fn other_vocabularies_may_stand_beside_ours() {
    let text = document(
        "<service rdf:ID=\"a\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:creator>me</dc:creator></service>",
    );
    assert_eq!(read(&text), (vec!["provides a\n".to_owned()], vec![]));
}

#[test]
fn an_empty_sequence_has_no_edges() {
    let text = document("<service rdf:ID=\"a\"><edges><rdf:Seq /></edges></service>");
    assert_eq!(read(&text), (vec!["provides a\n".to_owned()], vec![]));
}
