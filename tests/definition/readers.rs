//! The inputs that readers of headers disagree on, each with what it means here and what is said of it.

use super::{block, said, short};

#[test]
fn blanks_of_all_kinds_part_names() {
    for between in ["  ", "\t", " \t ", "      "] {
        let reading = block(&format!("# Provides: this\n# Required-Start: a{between}b"));
        assert_eq!(short(&reading), "provides this\nrequired-start a b\n", "{between:?}");
        assert_eq!(said(&reading.diagnostics), [""; 0], "{between:?}");
    }
}

#[test]
fn a_comma_parts_names_and_is_noted() {
    for (value, column) in [("a, b", 20), ("a,b", 20), ("a;b", 20), ("a ,b", 21)] {
        let reading = block(&format!("# Provides: this\n# Required-Start: {value}"));
        assert_eq!(short(&reading), "provides this\nrequired-start a b\n", "{value}");
        let text = "names are separated by blanks; this is taken for one";
        assert_eq!(said(&reading.diagnostics), [format!("4:{column} {text}")], "{value}");
    }
}

#[test]
fn keywords_are_read_with_underscores_and_with_a_blank_before_the_colon() {
    for word in
        ["Required_Start:", "Required-Start :", "Required-Start\t:", "required--start:", "Required_-Start:"]
    {
        let reading = block(&format!("# Provides: this\n# {word} a"));
        assert_eq!(short(&reading), "provides this\nrequired-start a\n", "{word}");
        let plain = word.trim_end_matches(':').trim_end();
        let text = format!("4:3 `{plain}` is read as meant here, but not by every reader of headers");
        assert_eq!(said(&reading.diagnostics), [text], "{word}");
    }
}

#[test]
fn should_start_and_its_kin_are_read_with_any_vendor_and_with_none() {
    for (word, means) in [
        ("X-UnitedLinux-Should-Start", "should-start"),
        ("X-UnitedLinux-Should-Stop", "should-stop"),
        ("X-SuSE-Should-Start", "should-start"),
        ("X-Start-Before", "start-before"),
        ("Start-Before", "start-before"),
        ("X-Debian-Start-Before", "start-before"),
        ("X-Stop-After", "stop-after"),
        ("Stop-After", "stop-after"),
    ] {
        let reading = block(&format!("# Provides: this\n# {word}: a b"));
        assert_eq!(short(&reading), format!("provides this\n{means} a b\n"), "{word}");
        assert_eq!(said(&reading.diagnostics), [""; 0], "{word}");
    }
    for word in ["X-Interactive", "Interactive", "X-Vendor-Interactive"] {
        let reading = block(&format!("# Provides: this\n# {word}: true"));
        assert_eq!(short(&reading), "provides this\ninteractive yes\n", "{word}");
    }
}

#[test]
fn both_lines_of_a_keyword_that_stands_twice_are_read() {
    let reading = block("# Provides: this\n# Required-Start: a\n# Required-Stop: a\n# Required-Start: b");
    assert_eq!(short(&reading), "provides this\nrequired-start a b\nrequired-stop a\n");
    assert_eq!(said(&reading.diagnostics), ["6:3 Required-Start stands in line 4 already; both are read"]);
}

#[test]
fn every_keyword_that_stands_twice_adds_up() {
    let reading = block(
        "# Provides: this\n# Provides: that this\n# Default-Start: 2\n# Default-Start: 3\n# Default-Stop: 0\n\
         # Default-Stop: 6\n# Description: one\n# Description: two\n# X-Own: a\n# X-Own: b",
    );
    assert_eq!(
        short(&reading),
        "provides this that\nstart 2 3\nstop 0 6\ndescription one|two\nextension X-Own=a\nextension X-Own=b\n"
    );
    assert_eq!(
        reading.diagnostics.len(),
        4,
        "one for each but the extension: {:?}",
        said(&reading.diagnostics)
    );
}

#[test]
fn the_first_counts_where_two_cannot_be_joined() {
    let reading = block(
        "# Provides: this\n# Short-Description: one\n# Short-Description: two\n# X-Interactive: true\n\
         # X-Interactive: false",
    );
    assert_eq!(short(&reading), "provides this\ninteractive yes\nsummary one\n");
    assert_eq!(
        said(&reading.diagnostics),
        [
            "5:3 Short-Description stands in line 4 already; that one counts",
            "7:3 X-Interactive stands in line 6 already; that one counts"
        ]
    );
}

#[test]
fn the_first_of_two_blocks_counts() {
    let reading = block("# Provides: this\n### END INIT INFO\n### BEGIN INIT INFO\n# Provides: that");
    assert_eq!(short(&reading), "provides this\n");
    assert_eq!(said(&reading.diagnostics), ["5:1 a second header, which is not read"]);
}

#[test]
fn a_blank_before_the_number_sign_is_read_and_noted() {
    for before in [" ", "\t", "    "] {
        let reading = block(&format!("# Provides: this\n{before}# Required-Start: a"));
        assert_eq!(short(&reading), "provides this\nrequired-start a\n", "{before:?}");
        let [noted] = &said(&reading.diagnostics)[..] else { panic!("{:?}", reading.diagnostics) };
        assert!(noted.contains("not by every reader"), "{noted}");
    }
}

#[test]
fn a_plus_makes_a_name_optional() {
    let reading =
        block("# Provides: this\n# Required-Start: +a b +$network\n# Required-Stop: +c\n# Should-Start: +d");
    assert_eq!(
        short(&reading),
        "provides this\nrequired-start +a b +$network\nshould-start +d\nrequired-stop +c\n"
    );
    assert_eq!(said(&reading.diagnostics), [""; 0]);
}

#[test]
fn provides_comes_before_the_file_name() {
    use serel::definition::header;
    use serel::model::Source;
    let parse = |name: &str, lines: &str| {
        let text = format!("### BEGIN INIT INFO\n{lines}\n### END INIT INFO\n");
        let file = format!("/etc/init.d/{name}");
        short(&header::parse(&file, &file, name, Source::Header, text.as_bytes()))
    };
    assert_eq!(parse("mountall.sh", "# Provides: mountall"), "provides mountall\n");
    assert_eq!(parse("mountall.sh", "# Default-Start: S"), "provides mountall.sh\nstart S\n");
}
