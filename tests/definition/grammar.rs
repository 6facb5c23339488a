//! Every other fact of the grammar of headers.

use super::{block, helps, said, script, short};
use serel::model::Source;

const NOTHING: [&str; 0] = [];

#[test]
fn the_whole_header_of_the_standard() {
    let reading = block(
        "# Provides:          boot_facility_1 boot_facility_2\n\
         # Required-Start:    boot_facility_3 $local_fs\n\
         # Required-Stop:     boot_facility_3\n\
         # Should-Start:      $time\n\
         # Should-Stop:       $time\n\
         # Default-Start:     3 5\n\
         # Default-Stop:      0 1 2 6\n\
         # Short-Description: a name that says it\n\
         # Description:       what it is for\n\
         #  and more of it\n\
         #\tand still more",
    );
    assert_eq!(
        short(&reading),
        "provides boot_facility_1 boot_facility_2\n\
         required-start boot_facility_3 $local_fs\n\
         should-start $time\n\
         required-stop boot_facility_3\n\
         should-stop $time\n\
         start 3 5\n\
         stop 0 1 2 6\n\
         summary a name that says it\n\
         description what it is for|and more of it|and still more\n"
    );
    assert_eq!(said(&reading.diagnostics), NOTHING);
}

#[test]
fn case_does_not_count_in_keywords_but_does_in_names() {
    for word in ["PROVIDES", "provides", "pRoViDeS"] {
        let reading = block(&format!("# {word}: This this\n# DEFAULT-START: s 2"));
        assert_eq!(short(&reading), "provides This this\nstart 2 S\n");
        assert_eq!(said(&reading.diagnostics), NOTHING);
    }
}

#[test]
fn line_ends_of_other_systems_are_read() {
    let text = "#!/bin/sh\r\n### BEGIN INIT INFO\r\n# Provides: this\r\n# Required-Start: a b\r\n\
                # Description: one\r\n#  two\r\n### END INIT INFO\r\n";
    let reading = script(text.as_bytes());
    assert_eq!(short(&reading), "provides this\nrequired-start a b\ndescription one|two\n");
    assert_eq!(said(&reading.diagnostics), NOTHING);
}

#[test]
fn a_missing_end_is_an_error_and_the_comments_are_read() {
    let reading =
        script(b"### BEGIN INIT INFO\n# Provides: this\n# Required-Start: a\ncd /\n# Provides: no\n");
    assert_eq!(short(&reading), "provides this\nrequired-start a\n");
    assert_eq!(said(&reading.diagnostics), ["1:1 this header has no `### END INIT INFO`"]);
    let reading = script(b"### BEGIN INIT INFO");
    assert_eq!(short(&reading), "provides this\n");
    assert!(reading.diagnostics.iter().all(helps));
}

#[test]
fn markers_may_have_blanks_behind_them_and_nothing_else() {
    let reading = script(b"### BEGIN INIT INFO \t\n# Provides: that\n### END INIT INFO  \n# Provides: no\n");
    assert_eq!(short(&reading), "provides that\n");
    assert_eq!(said(&reading.diagnostics), NOTHING);
}

#[test]
fn what_looks_like_a_header_and_is_none_is_said() {
    for begin in [
        "### BEGIN INIT INFO of this",
        " ### BEGIN INIT INFO",
        "## BEGIN INIT INFO",
        "###BEGIN INIT INFO",
        "### Begin Init Info",
        "### BEGIN INIT INFO ###",
    ] {
        let reading = script(format!("#!/bin/sh\n{begin}\n# Provides: that\n### END INIT INFO\n").as_bytes());
        assert_eq!(reading.definitions[0].source, Source::None, "{begin}");
        assert_eq!(
            said(&reading.diagnostics),
            ["2:1 this is not quite the first line of a header"],
            "{begin}"
        );
        assert!(reading.diagnostics.iter().all(helps));
    }
    let reading = script(b"#!/bin/sh\necho '### BEGIN INIT INFO'\ngrep 'BEGIN INIT INFO' $0\n");
    assert_eq!(said(&reading.diagnostics), NOTHING, "neither of these lines is a comment");
}

#[test]
fn empty_fields_say_nothing_but_that_they_are_there() {
    let reading = block(
        "# Provides: this\n# Required-Start:\n# Required-Stop:   \n# Should-Start:\t\n# Default-Start:\n\
         # Default-Stop:\n# Short-Description:\n# Description:\n# X-Interactive:",
    );
    assert_eq!(short(&reading), "provides this\n");
    assert!(reading.definitions[0].stop_declared, "an empty Required-Stop is an answer");
    assert_eq!(said(&reading.diagnostics), NOTHING);
    assert!(!block("# Provides: this\n# Required-Start: a").definitions[0].stop_declared);
}

#[test]
fn without_provides_the_file_name_is_taken() {
    for lines in ["# Default-Start: 2", "# Provides:\n# Default-Start: 2"] {
        let reading = block(lines);
        assert_eq!(short(&reading), "provides this\nstart 2\n");
        assert_eq!(said(&reading.diagnostics), ["2:1 the header has no Provides"]);
        assert!(reading.diagnostics.iter().all(helps));
    }
}

#[test]
fn a_comment_behind_a_value_ends_the_list() {
    let reading = block(
        "# Provides: this # and not that\n# Required-Start: a b #c d\n# Default-Start: 2 3 # not 5\n\
         # Short-Description: number #1",
    );
    assert_eq!(short(&reading), "provides this\nrequired-start a b\nstart 2 3\nsummary number #1\n");
    let text = "a comment ends this list; other readers take its words for names";
    assert_eq!(
        said(&reading.diagnostics),
        [format!("3:18 {text}"), format!("4:23 {text}"), format!("5:22 {text}")]
    );
    assert!(reading.diagnostics.iter().all(helps));
}

#[test]
fn facilities_are_names_and_may_be_provided() {
    let reading = block("# Provides: network $network\n# Required-Start: $local_fs $all $own-facility.1");
    assert_eq!(short(&reading), "provides network $network\nrequired-start $local_fs $all $own-facility.1\n");
    assert_eq!(said(&reading.diagnostics), NOTHING);
}

#[test]
fn strange_names_are_names_and_impossible_ones_are_left_out() {
    let reading = block("# Provides: this\n# Required-Start: a@b.c a:b a+b \u{fc}ber 9p _x a\\b 'q' $1");
    assert_eq!(short(&reading), "provides this\nrequired-start a@b.c a:b a+b \u{fc}ber 9p _x a\\b 'q' $1\n");
    assert_eq!(said(&reading.diagnostics), NOTHING);
    for (name, why) in [
        ("a/b", "`a/b` holds a `/`"),
        ("..", "`..` cannot be a file's name"),
        ("-x", "`-x` cannot be a file's name"),
        ("+", "`+` is empty"),
        ("a\u{7}", "`a\\u{7}` holds a blank or a control character"),
    ] {
        let reading = block(&format!("# Provides: this\n# Required-Start: {name} b"));
        assert_eq!(short(&reading), "provides this\nrequired-start b\n");
        assert_eq!(said(&reading.diagnostics), [format!("4:19 {why}, and is left out")]);
        let reading = block(&format!("# Provides: {name} this"));
        assert!(short(&reading).ends_with("this\n"), "{name}");
    }
    let long = "x".repeat(256);
    let reading = block(&format!("# Provides: this {long}"));
    let shown = "x".repeat(40);
    assert_eq!(
        said(&reading.diagnostics),
        [format!("3:18 `{shown}...` is longer than 255 bytes, and is left out")]
    );
    assert_eq!(short(&block(&format!("# Provides: {}", &long[1..]))), format!("provides {}\n", &long[1..]));
}

#[test]
fn extensions_are_kept_and_unknown_keywords_said() {
    let reading = block("# Provides: this\n# X-Own-Thing:  some: value \n# X-:\n# Requires: a\n# x-y: z");
    assert_eq!(
        short(&reading),
        "provides this\nextension X-Own-Thing=some: value\nextension X-=\nextension x-y=z\n"
    );
    assert_eq!(said(&reading.diagnostics), ["6:3 unknown keyword Requires"]);
}

#[test]
fn levels_are_read_in_every_form() {
    for (value, levels, noted) in [
        ("2 3 4 5", "2 3 4 5", 0),
        ("S", "S", 0),
        ("s 2", "2 S", 0),
        ("2,3", "2 3", 1),
        ("2345", "2 3 4 5", 1),
        ("  5   3 ", "3 5", 0),
        ("2 2", "2", 0),
        ("7 9", "7 9", 0),
        ("x 2", "2", 1),
        ("A B C", "", 3),
        ("2 10 \u{663}", "0 1 2", 2),
        ("-1 2", "2", 1),
    ] {
        let reading = block(&format!("# Provides: this\n# Default-Start: {value}"));
        let expected = if levels.is_empty() { String::new() } else { format!("start {levels}\n") };
        assert_eq!(short(&reading), format!("provides this\n{expected}"), "{value}");
        assert_eq!(reading.diagnostics.len(), noted, "{value}: {:?}", said(&reading.diagnostics));
        assert!(reading.diagnostics.iter().all(helps));
    }
}

#[test]
fn starting_wins_where_levels_overlap() {
    let reading = block("# Provides: this\n# Default-Start: 2 3\n# Default-Stop: 0 3 6");
    assert_eq!(short(&reading), "provides this\nstart 2 3\nstop 0 6\n");
    assert_eq!(
        said(&reading.diagnostics),
        ["5:1 Default-Start and Default-Stop both name 3; it is started there"]
    );
}

#[test]
fn only_true_is_interactive() {
    for (value, noted) in [("false", 0), ("", 0), ("yes", 1), ("True", 1), ("1", 1), ("true false", 1)] {
        let reading = block(&format!("# Provides: this\n# X-Interactive: {value}"));
        assert_eq!(short(&reading), "provides this\n", "{value}");
        assert_eq!(reading.diagnostics.len(), noted, "{value}");
    }
}

#[test]
fn a_description_goes_on_only_where_it_stands() {
    let reading = block(
        "# Provides: this\n# Description: one\n#   two: with a colon\n#\n#\t three\n# Default-Start: 2\n#  lost",
    );
    assert_eq!(short(&reading), "provides this\nstart 2\ndescription one|two: with a colon|three\n");
    assert_eq!(said(&reading.diagnostics), ["9:1 this line of the header says nothing"]);
}

#[test]
fn lines_that_are_no_comment_are_said() {
    let reading = block("# Provides: this\nset -e\n\n# just words\n#\n# Required-Start: a");
    assert_eq!(short(&reading), "provides this\nrequired-start a\n");
    assert_eq!(
        said(&reading.diagnostics),
        ["4:1 this line inside the header is no comment", "6:1 this line of the header says nothing"]
    );
}

#[test]
fn free_text_has_no_control_characters() {
    let reading = block("# Provides: this\n# Short-Description: a\u{1b}[31mb\tc\rd\n# X-Own: \u{7}\u{ffff}x");
    assert_eq!(
        short(&reading),
        "provides this\nsummary a\u{fffd}[31mb\tc\u{fffd}d\nextension X-Own=\u{fffd}\u{fffd}x\n"
    );
}

#[test]
fn chkconfig_lines_give_levels_and_order() {
    let chkconfig = |line: &str| script(format!("#!/bin/sh\n{line}\n").as_bytes());
    for (line, means) in [
        ("# chkconfig: 2345 20 80", "start 2 3 4 5\nstop 0 1 6\nchkconfig [2 3 4 5] 20 80\n"),
        ("#chkconfig:35 05 95", "start 3 5\nstop 0 1 2 4 6\nchkconfig [3 5] 5 95\n"),
        ("#\tchkconfig:  -  99 00 ", "stop 0 1 2 3 4 5 6\nchkconfig [] 99 0\n"),
        ("# chkconfig: 35 5 95 and words behind", "start 3 5\nstop 0 1 2 4 6\nchkconfig [3 5] 5 95\n"),
        ("# chkconfig: 3 1 1\r", "start 3\nstop 0 1 2 4 5 6\nchkconfig [3] 1 1\n"),
    ] {
        let reading = chkconfig(line);
        assert_eq!(short(&reading), format!("provides this\n{means}"), "{line}");
        assert_eq!(said(&reading.diagnostics), NOTHING, "{line}");
    }
    for line in [
        "# chkconfig:",
        "# chkconfig: 2345",
        "# chkconfig: 2345 20",
        "# chkconfig: on 20 80",
        "# chkconfig: 3 100 1",
    ] {
        let reading = chkconfig(line);
        assert_eq!(short(&reading), "provides this\n", "{line}");
        assert_eq!(said(&reading.diagnostics), ["2:1 this chkconfig line is not understood"], "{line}");
        assert!(reading.diagnostics.iter().all(helps));
    }
    for line in ["chkconfig: 3 1 1", "# a chkconfig: 3 1 1", " # chkconfig: 3 1 1", "echo # chkconfig: 3 1 1"]
    {
        let reading = chkconfig(line);
        assert_eq!((short(&reading).as_str(), reading.diagnostics.len()), ("provides this\n", 0), "{line}");
    }
}

#[test]
fn a_header_is_stronger_than_a_chkconfig_line() {
    let lines = "# Provides: this\n# Default-Start: 2";
    let text = format!("# chkconfig: 35 20 80\n### BEGIN INIT INFO\n{lines}\n### END INIT INFO\n");
    assert_eq!(short(&script(text.as_bytes())), "provides this\nstart 2\nchkconfig [3 5] 20 80\n");
}

#[test]
fn a_script_without_a_header_is_unknown() {
    for text in ["", "#!/bin/sh\n", "exit 0", "\n\n\n", "#!/bin/sh\n# Provides: that\n"] {
        let reading = script(text.as_bytes());
        assert_eq!(short(&reading), "provides this\n");
        assert_eq!(reading.definitions[0].source, Source::None);
        assert_eq!(said(&reading.diagnostics), NOTHING);
    }
}

#[test]
fn the_header_of_an_openrc_script_is_taken_for_granted() {
    let reading = script(b"#!/sbin/openrc-run\ndepend() { need net; }\n");
    assert_eq!(
        short(&reading),
        "provides this\nrequired-start $remote_fs $syslog\nrequired-stop $remote_fs $syslog\n\
         start 2 3 4 5\nstop 0 1 6\n"
    );
}
