use super::{Notice, Phrases};

pub(super) const PHRASES: Phrases = Phrases {
    lobby: Notice {
        head: "即將開放",
        lead: "您正在開放前的等候室。開放時，這裡所有人的順序將以抽籤決定，此頁面會自動繼續。",
    },
    waiting: Notice {
        head: "您正在排隊", lead: "請保持此頁面開啟。輪到您時，會自動帶您進入商店。"
    },
    paused: Notice {
        head: "隊伍暫停前進", lead: "目前暫不開放進入。您的位置會保留，恢復後此頁面會自動繼續。"
    },
    called: Notice { head: "輪到您了", lead: "正在帶您進入商店。" },
    closed: Notice { head: "目前不開放", lead: "目前無法進入商店。" },
    sold_out: Notice {
        head: "已售完", lead: "所有商品皆已售完。感謝您的等候，很抱歉未能讓每一位都買到。"
    },
    not_numbered: Notice { head: "目前人數眾多", lead: "您需要先排隊才能進入。" },
    no_number: Notice { head: "請稍候", lead: "正在準備更多號碼。此頁面會自動再次查詢。" },
    challenged: Notice {
        head: "請稍候",
        lead: "您的瀏覽器正在進行一個小計算，以防止自動程式插隊。只需幾秒鐘，您不必做任何操作。",
    },
    cookies_missing: Notice {
        head: "需要 Cookie",
        lead: "您的排隊位置儲存在 Cookie 中，但瀏覽器沒有保留它。請允許本網站使用 Cookie，然後再試一次。",
    },
    left: Notice {
        head: "您已放棄位置", lead: "位置將讓給下一位。若您改變主意，可以從隊伍最後重新排隊。"
    },
    gone: Notice {
        head: "您目前不在隊伍中", lead: "位置已放棄或不再有效。您可以重新排隊。"
    },
    too_many: Notice {
        head: "請耐心等候", lead: "您的網路在短時間內要求了許多排隊位置。此頁面會自動再次查詢。"
    },
    kept: "您的位置會保留，以備重新開放。",
    not_sent: "您送出的內容尚未送達商店。進入之後可以放心再送一次。",
    ahead_before: "您前面還有",
    ahead_after: "人",
    next: "下一位就是您",
    by_lot: "以抽籤方式進入",
    wait_label: "預估等候時間",
    wait_unknown: "目前還無法估計",
    wait_soon: "不到 1 分鐘",
    wait_minutes: "約 {a} 分鐘",
    wait_minutes_range: "約 {a} 至 {b} 分鐘",
    wait_hours: "約 {a} 小時",
    wait_hours_range: "約 {a} 至 {b} 小時",
    people_label: "排隊人數",
    lobby_label: "等候室人數",
    people: "{a} 人",
    opens_label: "開放時間",
    days: "{a} 天",
    progress: "排隊進度",
    live: "此頁面會自動更新，您可以同時使用其他分頁。",
    lost: "目前無法連線。您的位置會保留，此頁面會繼續嘗試。",
    without_scripts: "此頁面每 {a} 秒會再次查詢。",
    check_now: "立即查詢",
    sound: "輪到我時播放提示音",
    rule: "順序如何決定",
    rule_arrival: "依到達的先後順序進入。",
    rule_lot: "從所有等候者中抽籤決定下一位，與到達先後無關。",
    rule_lobby: "開放前在此的所有人，將於開放時以抽籤排定順序。早到沒有優勢。之後到達的人依先後排在後面。",
    rule_drawn: "開放前在此的人已抽籤排定順序，之後到達的人依先後排在後面。",
    rule_return: "離開的人會被略過。手機休眠或連線中斷時，您的位置不會改變。所有分頁共用同一個位置。",
    number: "您的號碼",
    commitment: "抽籤使用事先選定的秘密數字。這是它的 SHA-256；秘密數字會在開放後公布，任何人都能驗證它沒有被更改：",
    secret: "決定抽籤結果的秘密數字：",
    how_to_check: "秘密數字（32 位元組）的 SHA-256 就是開放前所顯示的值。共有 {a} 人參加抽籤，第一個號碼是 {b}。",
    checked: "已在您的瀏覽器中驗證：秘密數字與承諾相符，號碼 {a} 抽到 {c} 人中的第 {b} 位。",
    see_draw: "查看抽籤結果",
    enter: "進入商店",
    get_in_line: "開始排隊",
    try_again: "再試一次",
    go_on: "繼續",
    puzzle_without_scripts: "若您的瀏覽器停用了指令碼，請等候 {a} 秒後按下按鈕。",
    give_up: "放棄我的位置",
    give_up_warning: "您的位置將讓給下一位。若您回來，須從隊伍最後開始。",
    give_up_confirm: "是，放棄位置",
    language: "語言",
    reference: "參考編號",
};
