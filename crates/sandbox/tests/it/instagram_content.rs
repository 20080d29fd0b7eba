use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{BASE, Stand};
use crate::meta::{JUNIPER, codes};

const FIELDS: &str = "id,caption,media_type,media_product_type,media_url,thumbnail_url,permalink,shortcode,timestamp,\
                      username,like_count,comments_count,children{id,media_type,media_url,permalink}";

async fn media(stand: &Stand, token: &str, account: &str, extra: &[(&str, &str)]) -> Value {
    let fields = [&[("access_token", token), ("fields", FIELDS)], extra].concat();
    let answer = stand
        .graph(&format!("/v25.0/{account}/media"), &fields)
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

#[tokio::test]
async fn without_fields_comes_the_id_alone() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    let account = stand
        .graph(&format!("/v25.0/{JUNIPER}"), &[("access_token", &token)])
        .await;
    assert_eq!(account.json(), json!({ "id": JUNIPER }));
    let media = stand
        .graph(
            &format!("/v25.0/{JUNIPER}/media"),
            &[("access_token", &token)],
        )
        .await
        .json();
    assert_eq!(
        media["data"][0]
            .as_object()
            .unwrap()
            .keys()
            .collect::<Vec<_>>(),
        ["id"]
    );
}

#[tokio::test]
async fn a_profile_has_what_there_is_to_tell_and_no_nulls() {
    let stand = Stand::new();
    let fields = "id,username,name,biography,website,profile_picture_url,followers_count,follows_count,media_count";
    let read = async |person: &str, id: &str| {
        let token = stand.fb_connect(person).await;
        stand
            .graph(
                &format!("/v25.0/{id}"),
                &[("access_token", &token), ("fields", fields)],
            )
            .await
            .json()
    };
    let juniper = read("juniper", JUNIPER).await;
    assert_eq!(
        (&juniper["username"], &juniper["followers_count"]),
        (&json!("junipervale.clay"), &json!(4812))
    );
    let saffron = read("saffron", "17841400000000005").await;
    assert!(saffron.get("website").is_none() && saffron.get("biography").is_none());
}

#[tokio::test]
async fn media_are_newest_first_and_keys_vanish() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    let list = media(&stand, &token, JUNIPER, &[("limit", "100")]).await;
    let list = list["data"].as_array().unwrap();
    let times: Vec<_> = list
        .iter()
        .map(|one| one["timestamp"].as_str().unwrap())
        .collect();
    assert!(
        times
            .iter()
            .all(|time| time.ends_with("+0000") && time.len() == 24),
        "{times:?}"
    );
    assert!(times.is_sorted_by(|a, b| a > b));
    for key in ["caption", "media_url", "thumbnail_url", "children"] {
        assert!(
            list.iter().any(|one| one.get(key).is_some()),
            "{key} is there"
        );
        assert!(
            list.iter().any(|one| one.get(key).is_none()),
            "{key} is missing"
        );
    }
    assert!(list.iter().all(|one| {
        one.as_object()
            .unwrap()
            .values()
            .all(|value| !value.is_null())
    }));
    let reels = list
        .iter()
        .filter(|one| one["media_product_type"] == "REELS");
    assert!(
        reels
            .clone()
            .all(|reel| reel["media_type"] == "VIDEO" && reel.get("thumbnail_url").is_some())
    );
    let album = list
        .iter()
        .find(|one| one["media_type"] == "CAROUSEL_ALBUM")
        .unwrap();
    assert_eq!(album["children"]["data"].as_array().unwrap().len(), 3);
    assert!(album["children"]["data"][0].get("permalink").is_none());
}

#[tokio::test]
async fn an_owner_can_hide_likes() {
    let stand = Stand::new();
    let token = stand.fb_connect("wren").await;
    let list = media(&stand, &token, "17841400000000003", &[]).await;
    assert!(
        list["data"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one.get("like_count").is_none())
    );
    let open = media(&stand, &token, "17841400000000004", &[]).await;
    assert!(
        open["data"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["like_count"].is_number())
    );
}

#[tokio::test]
async fn next_leads_through_every_page_and_carries_the_token() {
    let stand = Stand::new();
    let token = stand.fb_connect("wren").await;
    let (mut page, mut ids) = (
        media(&stand, &token, "17841400000000004", &[("limit", "50")]).await,
        Vec::new(),
    );
    loop {
        ids.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["paging"].get("next") else {
            break;
        };
        let next = next.as_str().unwrap();
        assert!(
            next.starts_with(BASE) && next.contains(&token) && !next.contains("appsecret_proof"),
            "{next}"
        );
        assert!(next.contains(page["paging"]["cursors"]["after"].as_str().unwrap()));
        page = stand
            .get(next.strip_prefix(BASE).unwrap(), &[])
            .await
            .json();
    }
    let count = ids.len();
    ids.dedup();
    assert!(count > 200 && ids.len() == count, "{count}");
    let before = page["paging"]["cursors"]["before"].as_str().unwrap();
    let back = media(
        &stand,
        &token,
        "17841400000000004",
        &[("limit", "50"), ("before", before)],
    )
    .await;
    assert_eq!(back["data"].as_array().unwrap().len(), 50);
    let fields = [("access_token", token.as_str()), ("after", "nonsense")];
    assert_eq!(
        codes(&stand.graph("/v25.0/17841400000000004/media", &fields).await),
        (100, 0)
    );
}

#[tokio::test]
async fn since_and_until_cut_the_list() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    let all = media(&stand, &token, JUNIPER, &[]).await;
    let cut = media(
        &stand,
        &token,
        JUNIPER,
        &[("since", "1767000000"), ("until", "1767225600")],
    )
    .await;
    let count = |list: &Value| list["data"].as_array().unwrap().len();
    assert!(0 < count(&cut) && count(&cut) < count(&all));
    assert!(cut["paging"].get("next").is_none());
}

#[tokio::test]
async fn a_medium_an_album_and_its_child_can_be_read_alone() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    let list = media(&stand, &token, JUNIPER, &[]).await;
    let album = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one.get("children").is_some())
        .unwrap()
        .clone();
    let id = album["id"].as_str().unwrap();
    let fields = [
        ("access_token", token.as_str()),
        ("fields", "media_type,total_views_count"),
    ];
    let one = stand.graph(&format!("/v25.0/{id}"), &fields).await.json();
    assert!(one["total_views_count"].is_number() && one["media_type"] == "CAROUSEL_ALBUM");
    let child = album["children"]["data"][0]["id"].as_str().unwrap();
    let read = stand
        .graph(
            &format!("/v25.0/{child}"),
            &[("access_token", &token), ("fields", "media_type")],
        )
        .await;
    assert_eq!(read.json(), json!({ "id": child, "media_type": "IMAGE" }));
    let children = stand
        .graph(
            &format!("/v25.0/{id}/children"),
            &[("access_token", &token)],
        )
        .await
        .json();
    assert_eq!(children["data"][0]["id"], child);
}

#[tokio::test]
async fn stories_can_be_seen_for_a_day() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    let fields = [
        ("access_token", token.as_str()),
        ("fields", "media_product_type,timestamp"),
    ];
    let path = format!("/v25.0/{JUNIPER}/stories");
    let now = stand.graph(&path, &fields).await.json();
    let first = now["data"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(first["media_product_type"], "STORY");
    stand.sandbox.advance_seconds(86_400);
    let later = stand.graph(&path, &fields).await.json();
    assert!(!later["data"].as_array().unwrap().contains(&first));
    let gone = format!("/v25.0/{}", first["id"].as_str().unwrap());
    assert_eq!(
        codes(&stand.graph(&gone, &[("access_token", &token)]).await),
        (100, 33)
    );
}
