//! Whatever the bytes, reading ends, does not panic, and says nothing without a way out.

use super::{helps, rendered, script};
use proptest::prelude::*;
use serel::definition::{Facilities, rdf, scan};

/// Bytes made of pieces that mean something, cut and mixed.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "### BEGIN INIT INFO\n",
        "### END INIT INFO\n",
        "# ",
        "#",
        "\n",
        "\r\n",
        "\t",
        " ",
        ":",
        "+",
        "$",
        ",",
        "Provides:",
        "Required-Start:",
        "Default-Start: ",
        "Description:",
        "X-",
        "chkconfig: ",
        "2345",
        "S",
        "<interactive>",
        "<",
        ">",
        "/>",
        "</",
        "\"",
        "'",
        "&",
        ";",
        "<!ENTITY ",
        "<!DOCTYPE r [",
        "]>",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
        "rdf:",
        "serel:",
        "<?xml version=\"1.0\"?>",
        "service ",
        "rdf:ID=\"a\"",
        "xmlns:rdf=\"u:\"",
        "<rdf:RDF ",
        "edges",
        "xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" ",
        "<?",
        "?>",
        "#!/sbin/openrc-run\n",
        "=",
    ]);
    let piece = prop_oneof![
        8 => piece.prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
        1 => "\\PC{0,3}".prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![3 => pieces(), 1 => prop::collection::vec(any::<u8>(), 0..400)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn as_a_script(bytes in bytes()) {
        let reading = script(&bytes);
        prop_assert_eq!(reading.definitions.len(), 1);
        prop_assert!(!reading.definitions[0].provides.is_empty());
        prop_assert!(reading.diagnostics.iter().all(helps));
        let shown = rendered(&reading.diagnostics);
        prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{:?}", shown);
    }

    #[test]
    fn as_rdf(bytes in bytes()) {
        let reading = rdf::parse("f.rdf", &bytes);
        prop_assert!(reading.diagnostics.iter().all(helps));
        prop_assert!(!reading.definitions.is_empty() || !reading.diagnostics.is_empty());
        let shown = rendered(&reading.diagnostics);
        prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{:?}", shown);
    }

    #[test]
    fn as_facilities(bytes in bytes()) {
        let mut facilities = Facilities::default();
        let mut said = facilities.read("f", &bytes);
        said.extend(facilities.troubles());
        prop_assert!(said.iter().all(helps));
        let names: Vec<String> = facilities.names().map(str::to_owned).collect();
        for name in names {
            prop_assert!(facilities.expand(&name).is_some());
        }
    }

    #[test]
    fn as_filters_and_names(bytes in bytes()) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let names: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        prop_assert!(scan::links(&names).len() <= names.len());
        let filters = scan::filters(&bytes);
        for name in &names {
            scan::accepts(name, &filters);
        }
    }
}
