//! What a refusal page says, in every language it is written in.

use super::Refusal;
use crate::config::settings::Language;

/// What it says in `language`.
pub(super) const fn phrases(language: Language) -> &'static Phrases {
    match language {
        Language::English => &ENGLISH,
        Language::Japanese => &JAPANESE,
        Language::TraditionalChinese => &TRADITIONAL_CHINESE,
        Language::SimplifiedChinese => &SIMPLIFIED_CHINESE,
        Language::Korean => &KOREAN,
    }
}

/// A title and the sentence under it.
#[derive(Debug)]
pub(super) struct Notice {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
}

/// A sentence around a number of seconds.
#[derive(Debug)]
pub(super) struct Around {
    pub(super) before: &'static str,
    pub(super) after: &'static str,
}

/// All a page may say in one language.
#[derive(Debug)]
pub(super) struct Phrases {
    busy: Notice,
    too_many: Notice,
    trouble: Notice,
    missing: Notice,
    malformed: Notice,
    /// The page repeats the request by itself.
    pub(super) by_itself: Around,
    /// The reader may, after that time.
    pub(super) by_hand: Around,
    pub(super) try_now: &'static str,
    /// The shop never saw an order, so that it may be repeated.
    pub(super) not_sent: &'static str,
    /// The shop may have seen it.
    pub(super) unsure: &'static str,
    pub(super) reference: &'static str,
}

impl Phrases {
    pub(super) const fn notice(&self, refusal: Refusal) -> &Notice {
        match refusal {
            Refusal::Capacity | Refusal::WaitedOut | Refusal::Draining => &self.busy,
            Refusal::Limit { .. } => &self.too_many,
            Refusal::OriginDown | Refusal::OriginFailed { .. } | Refusal::OriginTimeout { .. } => &self.trouble,
            Refusal::NotFound => &self.missing,
            Refusal::Request(_)
            | Refusal::BadMethod
            | Refusal::CrossSite
            | Refusal::RequestTimeout { .. }
            | Refusal::BodyTooLarge { .. }
            | Refusal::BodyMalformed { .. }
            | Refusal::HeadersTooLarge => &self.malformed,
        }
    }
}

const ENGLISH: Phrases = Phrases {
    busy: Notice {
        title: "The shop is very busy",
        text: "Many people are here right now. Please keep this page open.",
    },
    too_many: Notice {
        title: "A little too fast",
        text: "Many requests came from your connection in a short time. Please wait a moment.",
    },
    trouble: Notice { title: "The shop is not answering", text: "Please try again in a moment." },
    missing: Notice { title: "There is nothing here", text: "The page you asked for does not exist." },
    malformed: Notice { title: "That did not work", text: "The request your browser sent could not be accepted." },
    by_itself: Around { before: "This page tries again by itself in about ", after: " s." },
    by_hand: Around { before: "You can try again in ", after: " s." },
    try_now: "Try again now",
    not_sent: "Your last step was not sent on. You can safely go back and try it again.",
    unsure: "It is not certain whether your last step went through. Please check your orders before you repeat it.",
    reference: "Reference",
};

const JAPANESE: Phrases = Phrases {
    busy: Notice {
        title: "ただいま大変混み合っています", text: "このページを開いたまま、少々お待ちください。"
    },
    too_many: Notice {
        title: "少し間隔を空けてください",
        text: "お使いの接続から短時間に多くのリクエストがありました。しばらくお待ちください。",
    },
    trouble: Notice {
        title: "ショップが応答していません", text: "しばらくしてから、もう一度お試しください。"
    },
    missing: Notice {
        title: "ページが見つかりません", text: "お探しのページは存在しません。"
    },
    malformed: Notice {
        title: "処理できませんでした",
        text: "ブラウザーから送られたリクエストを受け付けられませんでした。",
    },
    by_itself: Around { before: "約 ", after: " 秒後に自動的に再試行します。" },
    by_hand: Around { before: "", after: " 秒後にもう一度お試しください。" },
    try_now: "今すぐ再試行",
    not_sent: "直前の操作はまだ送信されていません。前のページに戻り、安心してもう一度お試しください。",
    unsure: "直前の操作が完了したかどうか確認できません。やり直す前に、ご注文履歴をご確認ください。",
    reference: "お問い合わせ番号",
};

const TRADITIONAL_CHINESE: Phrases = Phrases {
    busy: Notice { title: "目前購物人數眾多", text: "請保持此頁面開啟，稍候片刻。" },
    too_many: Notice {
        title: "請稍微放慢速度", text: "您的連線在短時間內送出了許多請求，請稍候。"
    },
    trouble: Notice { title: "商店暫時沒有回應", text: "請稍後再試。" },
    missing: Notice { title: "找不到此頁面", text: "您要找的頁面不存在。" },
    malformed: Notice { title: "無法處理", text: "瀏覽器送出的請求無法受理。" },
    by_itself: Around { before: "約 ", after: " 秒後將自動重試。" },
    by_hand: Around { before: "請於 ", after: " 秒後再試。" },
    try_now: "立即重試",
    not_sent: "您的上一步尚未送出，可以放心返回再試一次。",
    unsure: "無法確認您的上一步是否已完成。重試之前，請先查看您的訂單。",
    reference: "參考編號",
};

const SIMPLIFIED_CHINESE: Phrases = Phrases {
    busy: Notice { title: "当前购物人数众多", text: "请保持此页面打开，稍候片刻。" },
    too_many: Notice {
        title: "请稍微放慢速度", text: "您的网络在短时间内发出了许多请求，请稍候。"
    },
    trouble: Notice { title: "商店暂时没有响应", text: "请稍后再试。" },
    missing: Notice { title: "找不到该页面", text: "您要找的页面不存在。" },
    malformed: Notice { title: "无法处理", text: "浏览器发出的请求无法受理。" },
    by_itself: Around { before: "约 ", after: " 秒后将自动重试。" },
    by_hand: Around { before: "请在 ", after: " 秒后重试。" },
    try_now: "立即重试",
    not_sent: "您的上一步尚未提交，可以放心返回重试。",
    unsure: "无法确认您的上一步是否已完成。重试之前，请先查看您的订单。",
    reference: "参考编号",
};

const KOREAN: Phrases = Phrases {
    busy: Notice {
        title: "지금 많은 분이 쇼핑 중입니다", text: "이 페이지를 열어 둔 채 잠시만 기다려 주세요."
    },
    too_many: Notice {
        title: "조금만 천천히 이용해 주세요",
        text: "사용 중인 연결에서 짧은 시간에 많은 요청이 있었습니다. 잠시 기다려 주세요.",
    },
    trouble: Notice { title: "쇼핑몰이 응답하지 않습니다", text: "잠시 후 다시 시도해 주세요." },
    missing: Notice {
        title: "페이지를 찾을 수 없습니다", text: "찾으시는 페이지가 존재하지 않습니다."
    },
    malformed: Notice {
        title: "처리할 수 없습니다", text: "브라우저가 보낸 요청을 받아들일 수 없습니다."
    },
    by_itself: Around { before: "약 ", after: "초 후 자동으로 다시 시도합니다." },
    by_hand: Around { before: "", after: "초 후에 다시 시도해 주세요." },
    try_now: "지금 다시 시도",
    not_sent: "마지막 단계는 아직 전송되지 않았습니다. 뒤로 돌아가 안심하고 다시 시도하셔도 됩니다.",
    unsure: "마지막 단계가 처리되었는지 확인할 수 없습니다. 다시 시도하기 전에 주문 내역을 확인해 주세요.",
    reference: "참조 번호",
};
