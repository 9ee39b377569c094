//! Runbooks.

use crate::testing;

#[tokio::test]
async fn a_runbook_is_markdown_for_tools_and_html_for_browsers() {
    let served = testing::serve().await;
    let path = "/runbooks/BessTickStalled";
    let answer = served.ask("GET", path).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/markdown; charset=utf-8"));
    assert!(answer.text().starts_with("# BessTickStalled\n"));
    let browser = [("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")];
    let answer = served.client().await.ask("GET", path, &browser, "").await;
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.header("vary"), Some("accept"));
    let text = answer.text();
    assert!(
        text.contains("<h2>Mitigation</h2>") && text.contains("<code>bess_ticks_total</code>"),
        "{text}"
    );
    assert!(!text.contains("http"), "nothing is loaded from elsewhere");
}

#[tokio::test]
async fn every_link_of_the_list_and_between_pages_leads_to_a_page() {
    let served = testing::serve().await;
    let list = served.ask("GET", "/runbooks").await.text().to_owned();
    let names: Vec<&str> =
        list.split("](runbooks/").skip(1).map(|link| link.split(')').next().unwrap()).collect();
    assert!(names.len() >= 42, "{}", names.len());
    for name in names {
        let page = served.ask("GET", &format!("/runbooks/{name}")).await.text().to_owned();
        assert!(page.starts_with(&format!("# {name}\n")));
        for link in page.split("](").skip(1).map(|link| link.split(')').next().unwrap()) {
            assert_eq!(served.ask("GET", &format!("/runbooks/{link}")).await.status, 200, "{link}");
        }
    }
}

#[tokio::test]
async fn a_runbook_that_is_not_there_is_a_problem_that_lists_those_that_are() {
    let served = testing::serve().await;
    for path in ["/runbooks/BessNothing", "/runbooks/..%2FREADME.md"] {
        let problem = served.ask("GET", path).await.problem(404, "no_such_runbook");
        assert_eq!(problem["field"], "alert");
        assert!(problem["allowed"].as_array().unwrap().contains(&"BessAbsent".into()));
    }
    served.ask("GET", "/runbooks?x=1").await.problem(400, "bad_parameter");
    served.ask("GET", "/runbooks/BessAbsent?x=1").await.problem(400, "bad_parameter");
}
