//! From definitions to RDF/XML, in the very layout of the published example.
//!
//! What that example cannot say goes into `serel:` properties. Of a service: `script`, `provides` (all names but the
//! first), `startLevels`, `stopLevels`, `interactive`, `summary`, `description`, `chkconfig`, `extensions` (a line
//! each), `stopDeclared`. Of an edge: `relation` (`should-start`, `start-before`, `required-stop`, `should-stop`,
//! `stop-after`) and `optional`. An edge goes from who starts, or in a stop relation stays up, longer. Of a resource
//! whose name cannot be an XML id: `name`, or `facility` with its `$`.

use super::vocabulary::{GRAPH, RDF, SEREL, word};
use crate::model::{Definition, Relation, RelationKind};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;

/// The document that defines these services.
pub fn write(definitions: &[Definition]) -> String {
    let mut writer = Writer::default();
    for definition in definitions {
        writer.service(definition);
    }
    writer.names();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rdf:RDF\n  xmlns:rdf=\"{RDF}\"\n  xmlns:serel=\"{SEREL}\"\n  \
         xmlns:graph=\"{GRAPH}\"\n  xmlns=\"{GRAPH}\" >\n{}</rdf:RDF>\n",
        writer.out
    )
}

#[derive(Default)]
struct Writer {
    out: String,
    /// Ids of names, and all ids in use.
    ids: HashMap<String, String>,
    used: HashSet<String>,
    /// Names that their id does not tell, by id.
    told: BTreeMap<String, String>,
}

impl Writer {
    fn service(&mut self, definition: &Definition) {
        let primary = definition.primary();
        let mut id = self.id(primary);
        if self.used.contains(&format!("service {id}")) {
            // A second service of one name: an id of its own, and the name told.
            id = self.fresh(&id);
            self.told.insert(id.clone(), primary.to_owned());
        }
        self.used.insert(format!("service {id}"));
        let edges: Vec<(String, &Relation)> = definition
            .relations
            .iter()
            .map(|relation| {
                let other = self.id(&relation.target.name);
                let wanted = match relation.kind {
                    RelationKind::RequiredStart => format!("edge-{other}-{id}"),
                    kind => format!("{}-{other}-{id}", word(kind)),
                };
                (self.fresh(&wanted), relation)
            })
            .collect();
        let _ = writeln!(self.out, "  <service rdf:ID=\"{id}\">");
        self.properties(definition);
        if !edges.is_empty() {
            self.out += "    <edges>\n      <rdf:Seq>\n";
            for (edge, _) in &edges {
                let _ = writeln!(self.out, "        <rdf:li rdf:resource=\"#{edge}\" />");
            }
            self.out += "      </rdf:Seq>\n    </edges>\n";
        }
        self.out += "  </service>\n";
        for (edge, relation) in edges {
            self.edge(&edge, &id, relation);
        }
    }

    fn properties(&mut self, definition: &Definition) {
        let levels = |levels: crate::model::Levels| {
            levels.iter().map(|level| level.to_string()).collect::<Vec<_>>().join(" ")
        };
        let script = if !definition.script.is_empty()
            && definition.script.ends_with(&format!("/{}", definition.name))
        {
            if definition.name == definition.primary() { String::new() } else { definition.name.clone() }
        } else if definition.name == definition.primary() {
            String::new()
        } else {
            definition.name.clone()
        };
        let provides: Vec<&str> =
            definition.provides.iter().skip(1).map(|provided| provided.name.as_str()).collect();
        let stops = |relation: &Relation| {
            matches!(
                relation.kind,
                RelationKind::RequiredStop | RelationKind::ShouldStop | RelationKind::StopAfter
            )
        };
        let silent_stop = definition.stop_declared && !definition.relations.iter().any(stops);
        let chkconfig = definition.chkconfig.map_or(String::new(), |line| {
            let text: String = line.levels.iter().map(|level| level.to_string()).collect();
            format!("{} {} {}", if text.is_empty() { "-" } else { &text }, line.start, line.stop)
        });
        let extensions: Vec<String> =
            definition.extensions.iter().map(|(word, value)| format!("{word}: {value}")).collect();
        for (property, value) in [
            ("script", script),
            ("provides", provides.join(" ")),
            ("startLevels", levels(definition.start_levels)),
            ("stopLevels", levels(definition.stop_levels)),
            ("stopDeclared", if silent_stop { "true".to_owned() } else { String::new() }),
            ("interactive", if definition.interactive { "true".to_owned() } else { String::new() }),
            ("chkconfig", chkconfig),
            ("summary", definition.summary.clone()),
            ("description", definition.description.clone()),
            ("extensions", extensions.join("\n")),
        ] {
            if !value.is_empty() {
                let _ = writeln!(self.out, "    <serel:{property}>{}</serel:{property}>", escape(&value));
            }
        }
    }

    fn edge(&mut self, edge: &str, service: &str, relation: &Relation) {
        let other = self.id(&relation.target.name);
        let (source, target) = match relation.kind {
            RelationKind::StartBefore | RelationKind::StopAfter => (service, other.as_str()),
            _ => (other.as_str(), service),
        };
        let _ = writeln!(self.out, "  <edge rdf:ID=\"{edge}\" >");
        let _ = writeln!(self.out, "    <source rdf:resource=\"#{source}\" />");
        let _ = writeln!(self.out, "    <target rdf:resource=\"#{target}\" />");
        if relation.kind != RelationKind::RequiredStart {
            let _ = writeln!(self.out, "    <serel:relation>{}</serel:relation>", word(relation.kind));
        }
        if relation.optional {
            self.out += "    <serel:optional>true</serel:optional>\n";
        }
        self.out += "  </edge>\n";
    }

    /// What names stand behind ids that do not tell.
    fn names(&mut self) {
        for (id, name) in std::mem::take(&mut self.told) {
            let property = if name.starts_with('$') { "facility" } else { "name" };
            let _ = writeln!(self.out, "  <rdf:Description rdf:about=\"#{id}\">");
            let _ = writeln!(self.out, "    <serel:{property}>{}</serel:{property}>", escape(&name));
            self.out += "  </rdf:Description>\n";
        }
    }

    /// The id of a name: the name itself where XML allows that.
    fn id(&mut self, name: &str) -> String {
        if let Some(id) = self.ids.get(name) {
            return id.clone();
        }
        let plain: String = match name.strip_prefix('$') {
            Some(facility) => format!("facility-{facility}"),
            None => name.to_owned(),
        };
        let mut wanted: String = plain
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' })
            .collect();
        if !wanted.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            wanted.insert(0, '_');
        }
        let id = self.fresh(&wanted);
        if id != name {
            self.told.insert(id.clone(), name.to_owned());
        }
        self.ids.insert(name.to_owned(), id.clone());
        id
    }

    /// An id that is not in use.
    fn fresh(&mut self, wanted: &str) -> String {
        let mut id = wanted.to_owned();
        let mut number = 2;
        while !self.used.insert(id.clone()) {
            id = format!("{wanted}.{number}");
            number += 1;
        }
        id
    }
}

/// Text as XML content. Carriage returns would be read back as newlines, and other control characters are not XML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
