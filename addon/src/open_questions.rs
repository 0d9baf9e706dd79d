//! Questions to JavaScript that wait for an answer, by number. What nobody waits for any more is not asked.
//! It refuses to time them: whoever asked withdraws the question when it gives up.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use tokio::sync::oneshot;

use offloop::lock::lock;

/// Open questions `Q` with answers of type `A`. Any thread asks; JavaScript collects and answers.
pub(crate) struct OpenQuestions<Q, A>(Mutex<State<Q, A>>);

struct State<Q, A> {
    next: u32,
    is_closed: bool,
    open: BTreeMap<u32, Open<Q, A>>,
}

struct Open<Q, A> {
    /// Until JavaScript collects it.
    question: Option<Q>,
    /// What JavaScript knows already.
    interim: Option<A>,
    answer: oneshot::Sender<A>,
}

impl<Q, A> Default for OpenQuestions<Q, A> {
    fn default() -> Self {
        Self(Mutex::new(State { next: 0, is_closed: false, open: BTreeMap::new() }))
    }
}

impl<Q, A> OpenQuestions<Q, A> {
    /// The number of a new question. If nobody answers any more, the receiver finds it dropped.
    pub fn ask(&self, question: Q, answer: oneshot::Sender<A>) -> u32 {
        let mut state = self.lock();
        let id = state.next;
        state.next = id.wrapping_add(1);
        if !state.is_closed {
            state.open.insert(id, Open { question: Some(question), interim: None, answer });
        }
        id
    }

    /// Nobody waits for this answer any more. Returns whether JavaScript has collected the question and not answered.
    pub fn withdraw(&self, id: u32) -> bool {
        self.lock().open.remove(&id).is_some_and(|open| open.question.is_none())
    }

    /// Every question that was not collected before, in the order of asking.
    pub fn collect(&self) -> Vec<(u32, Q)> {
        let mut state = self.lock();
        let open = state.open.iter_mut();
        open.filter_map(|(id, open)| Some((*id, open.question.take()?))).collect()
    }

    /// The answer as far as it is known; it holds if no whole one comes.
    pub fn note(&self, id: u32, answer: A) {
        if let Some(open) = self.lock().open.get_mut(&id) {
            open.interim = Some(answer);
        }
    }

    /// What was noted, for whoever does not wait any longer.
    pub fn noted(&self, id: u32) -> Option<A> {
        self.lock().open.get_mut(&id)?.interim.take()
    }

    /// Nobody answers any more: who waits, and who asks later, finds the question dropped.
    pub fn close(&self) {
        let open = {
            let mut state = self.lock();
            state.is_closed = true;
            std::mem::take(&mut state.open)
        };
        drop(open);
    }

    /// Somebody answers again what is asked from now on.
    pub fn reopen(&self) {
        self.lock().is_closed = false;
    }

    /// Delivers an answer, if anybody still waits for it.
    pub fn answer(&self, id: u32, answer: A) {
        let waiting = self.lock().open.remove(&id);
        if let Some(Open { answer: waiting, .. }) = waiting {
            let _ = waiting.send(answer);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<Q, A>> {
        lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_withdrawn_is_not_collected() {
        let questions = OpenQuestions::<&str, u32>::default();
        let (first, second) = (oneshot::channel(), oneshot::channel());
        let given_up = questions.ask("given up", first.0);
        let asked = questions.ask("asked", second.0);
        assert!(!questions.withdraw(given_up), "JavaScript knows nothing of it");
        assert_eq!(questions.collect(), [(asked, "asked")]);
        assert_eq!(questions.collect(), [], "each is collected once");
        assert!(questions.withdraw(asked), "JavaScript is at it");
        questions.answer(asked, 7);
        assert!(second.1.blocking_recv().is_err());
    }

    #[test]
    fn what_is_known_of_an_answer_is_kept_for_whoever_cannot_wait() {
        let questions = OpenQuestions::<(), u32>::default();
        let (answer, answered) = oneshot::channel();
        let id = questions.ask((), answer);
        assert_eq!(questions.noted(id), None);
        questions.note(id, 7);
        assert_eq!(questions.noted(id), Some(7));
        questions.note(id, 8);
        questions.answer(id, 9);
        assert_eq!(answered.blocking_recv(), Ok(9), "the whole answer goes first");
        questions.note(id, 10);
        assert_eq!(questions.noted(id), None);
    }

    #[test]
    fn after_the_end_questions_are_dropped() {
        let questions = OpenQuestions::<(), u32>::default();
        let (before, after) = (oneshot::channel(), oneshot::channel());
        questions.ask((), before.0);
        questions.close();
        questions.ask((), after.0);
        assert!(before.1.blocking_recv().is_err() && after.1.blocking_recv().is_err());
        assert_eq!(questions.collect(), []);
        questions.reopen();
        let again = questions.ask((), oneshot::channel().0);
        assert_eq!(questions.collect(), [(again, ())], "it was not the end");
    }
}
