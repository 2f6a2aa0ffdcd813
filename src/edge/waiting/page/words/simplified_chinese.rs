use super::{Notice, Phrases};

pub(super) const PHRASES: Phrases = Phrases {
    lobby: Notice {
        head: "即将开放",
        lead: "您正在开放前的等候室。开放时，这里所有人的顺序将由抽签决定，本页面会自动继续。",
    },
    waiting: Notice {
        head: "您正在排队", lead: "请保持此页面打开。轮到您时，会自动带您进入商店。"
    },
    paused: Notice {
        head: "队伍暂停前进", lead: "目前暂不开放进入。您的位置会保留，恢复后本页面会自动继续。"
    },
    called: Notice { head: "轮到您了", lead: "正在带您进入商店。" },
    closed: Notice { head: "目前不开放", lead: "目前无法进入商店。" },
    sold_out: Notice {
        head: "已售罄", lead: "所有商品均已售罄。感谢您的等候，很抱歉未能让每一位都买到。"
    },
    not_numbered: Notice { head: "当前人数众多", lead: "您需要先排队才能进入。" },
    no_number: Notice { head: "请稍候", lead: "正在准备更多号码。本页面会自动再次查询。" },
    challenged: Notice {
        head: "请稍候",
        lead: "您的浏览器正在进行一个小计算，以防止自动程序插队。只需几秒钟，您无需任何操作。",
    },
    cookies_missing: Notice {
        head: "需要 Cookie",
        lead: "您的排队位置保存在 Cookie 中，但浏览器没有保留它。请允许本网站使用 Cookie，然后重试。",
    },
    left: Notice {
        head: "您已放弃位置", lead: "位置将让给下一位。如果您改变主意，可以从队尾重新排队。"
    },
    gone: Notice {
        head: "您目前不在队伍中", lead: "位置已放弃或不再有效。您可以重新排队。"
    },
    too_many: Notice {
        head: "请耐心等候", lead: "您的网络在短时间内申请了许多排队位置。本页面会自动再次查询。"
    },
    kept: "您的位置会保留，以备重新开放。",
    not_sent: "您提交的内容尚未送达商店。进入之后可以放心再次提交。",
    ahead_before: "您前面还有",
    ahead_after: "人",
    next: "下一位就是您",
    by_lot: "以抽签方式进入",
    wait_label: "预计等候时间",
    wait_unknown: "目前还无法估计",
    wait_soon: "不到 1 分钟",
    wait_minutes: "约 {a} 分钟",
    wait_minutes_range: "约 {a} 至 {b} 分钟",
    wait_hours: "约 {a} 小时",
    wait_hours_range: "约 {a} 至 {b} 小时",
    people_label: "排队人数",
    lobby_label: "等候室人数",
    people: "{a} 人",
    opens_label: "开放时间",
    days: "{a} 天",
    progress: "排队进度",
    live: "本页面会自动更新，您可以同时使用其他标签页。",
    lost: "目前无法连接。您的位置会保留，本页面会继续尝试。",
    without_scripts: "本页面每 {a} 秒会再次查询。",
    check_now: "立即查询",
    sound: "轮到我时播放提示音",
    rule: "顺序如何决定",
    rule_arrival: "按到达的先后顺序进入。",
    rule_lot: "从所有等候者中抽签决定下一位，与到达先后无关。",
    rule_lobby: "开放前在此的所有人，将在开放时由抽签排定顺序。早到没有优势。之后到达的人按先后排在后面。",
    rule_drawn: "开放前在此的人已由抽签排定顺序，之后到达的人按先后排在后面。",
    rule_return: "离开的人会被跳过。手机休眠或网络中断时，您的位置不会改变。所有标签页共用同一个位置。",
    number: "您的号码",
    commitment: "抽签使用事先选定的秘密数字。这是它的 SHA-256；秘密数字会在开放后公布，任何人都能验证它没有被更改：",
    secret: "决定抽签结果的秘密数字：",
    how_to_check: "秘密数字（32 字节）的 SHA-256 就是开放前所显示的值。共有 {a} 人参加抽签，第一个号码是 {b}。",
    checked: "已在您的浏览器中验证：秘密数字与承诺相符，号码 {a} 抽到 {c} 人中的第 {b} 位。",
    see_draw: "查看抽签结果",
    enter: "进入商店",
    get_in_line: "开始排队",
    try_again: "重试",
    go_on: "继续",
    puzzle_without_scripts: "如果您的浏览器停用了脚本，请等候 {a} 秒后按下按钮。",
    give_up: "放弃我的位置",
    give_up_warning: "您的位置将让给下一位。如果您回来，须从队尾开始。",
    give_up_confirm: "是，放弃位置",
    language: "语言",
    reference: "参考编号",
};
