//! Header -> RDF -> definitions equals header -> definitions, whatever the header says.

use super::{said, script};
use proptest::prelude::*;
use serel::definition::rdf;
use serel::model::{Definition, Place, Source};

/// A definition without what belongs to the file that it was read from.
fn bare(mut definition: Definition) -> Definition {
    let nowhere = Place::default();
    definition.file.clear();
    definition.script.clear();
    definition.source = Source::Header;
    definition.provides.iter_mut().for_each(|provided| provided.at = nowhere);
    definition.relations.iter_mut().for_each(|relation| relation.target.at = nowhere);
    definition
}

/// What a document says of definitions, `Err` with complaints if there are any.
fn through_rdf(definitions: &[Definition]) -> Result<Vec<Definition>, String> {
    let text = rdf::write(definitions);
    let reading = rdf::parse("f.rdf", text.as_bytes());
    if reading.diagnostics.is_empty() {
        Ok(reading.definitions.into_iter().map(bare).collect())
    } else {
        Err(format!("{:?}\n{text}", said(&reading.diagnostics)))
    }
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-d]{1,2}",
        3 => "[$+]?[a-zA-Z0-9_.-]{1,8}",
        2 => "\\$(local_fs|network|all|[a-c])",
        1 => "[^ -~\\s]{1,3}",
        1 => "[!-~]{1,6}",
        1 => "(edge|service|should-start|facility)-[a-c]-[a-c]",
    ]
}

fn line() -> impl Strategy<Value = String> {
    let names = prop::collection::vec(name(), 0..6).prop_map(|names| names.join(" "));
    let keyword = prop::sample::select(vec![
        "Provides",
        "Required-Start",
        "Required-Stop",
        "Should-Start",
        "Should-Stop",
        "X-Start-Before",
        "X-Stop-After",
    ]);
    let levels = prop::sample::select(vec!["Default-Start", "Default-Stop"]);
    prop_oneof![
        6 => (keyword, names).prop_map(|(keyword, names)| format!("# {keyword}: {names}")),
        2 => (levels, "[S0-9 x]{0,9}").prop_map(|(keyword, levels)| format!("# {keyword}: {levels}")),
        1 => prop::sample::select(vec!["# X-Interactive: true", "# X-Interactive: false"]).prop_map(str::to_owned),
        2 => ("(Short-Description|Description|X-[A-Za-z]{0,5}|description)", "[^\\n]{0,30}")
            .prop_map(|(keyword, text)| format!("# {keyword}: {text}")),
        1 => "#[ \t]{2,3}[^\\n]{0,20}",
        1 => "[^\\n]{0,12}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    let chkconfig = prop::option::of("# chkconfig: [0-6-]{1,4} [0-9]{1,2} [0-9]{1,2}\n");
    (chkconfig, prop::collection::vec(line(), 0..16)).prop_map(|(chkconfig, lines)| {
        let chkconfig = chkconfig.unwrap_or_default();
        format!("#!/bin/sh\n{chkconfig}### BEGIN INIT INFO\n{}\n### END INIT INFO\n", lines.join("\n"))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn of_one_header(text in text()) {
        let definitions: Vec<Definition> = script(text.as_bytes()).definitions.into_iter().map(bare).collect();
        prop_assert_eq!(through_rdf(&definitions).map_err(TestCaseError::fail)?, definitions);
    }

    #[test]
    fn of_several_headers_in_one_document(texts in prop::collection::vec(text(), 0..5)) {
        let definitions: Vec<Definition> =
            texts.iter().flat_map(|text| script(text.as_bytes()).definitions).map(bare).collect();
        if !definitions.is_empty() {
            prop_assert_eq!(through_rdf(&definitions).map_err(TestCaseError::fail)?, definitions);
        }
    }

    #[test]
    fn of_a_header_of_any_bytes(inside in prop::collection::vec(any::<u8>(), 0..300)) {
        let text = [b"### BEGIN INIT INFO\n# Description: ", &inside[..], b"\n### END INIT INFO\n"].concat();
        let definitions: Vec<Definition> = script(&text).definitions.into_iter().map(bare).collect();
        prop_assert_eq!(through_rdf(&definitions).map_err(TestCaseError::fail)?, definitions);
    }
}
