//! XML as a tree, read by a library.

/// An element.
#[derive(Clone, Debug)]
pub(in crate::report) struct Element {
    pub(in crate::report) name: String,
    pub(in crate::report) attributes: Vec<(String, String)>,
    pub(in crate::report) children: Vec<Self>,
    pub(in crate::report) text: String,
}
impl Element {
    pub(in crate::report) fn attribute(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map_or_else(|| panic!("{} has no {name}", self.name), |(_, value)| value)
    }
}
fn element(node: roxmltree::Node<'_, '_>) -> Element {
    let attributes = node.attributes();
    Element {
        name: node.tag_name().name().to_owned(),
        attributes: attributes.map(|a| (a.name().to_owned(), a.value().to_owned())).collect(),
        children: node.children().filter(roxmltree::Node::is_element).map(element).collect(),
        text: node.text().unwrap_or_default().to_owned(),
    }
}
pub(in crate::report) fn read(text: &str) -> Result<Element, roxmltree::Error> {
    roxmltree::Document::parse(text).map(|document| element(document.root_element()))
}
