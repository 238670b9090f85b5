//! Waits for the response, then for as much of its body as is checked before anything leaves.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use pin_project_lite::pin_project;

use crate::body::FilteredBody;
use crate::fault::BoxError;
use crate::hold::Hold;
use crate::job::{Job, Judged};

pin_project! {
    /// Resolves to the inner response if filters have nothing to say, to what they leave of it, or
    /// to a refusal.
    #[must_use]
    pub struct FilterFuture<F, B> {
        #[pin]
        state: State<F, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, B> {
        Pass { #[pin] inner: F },
        Answer { response: Option<Box<Response<Bytes>>> },
        Call { #[pin] inner: F, job: Option<Box<Job>> },
        Hold { held: Option<Box<Hold<B>>> },
    }
}

impl<F, B> FilterFuture<F, B> {
    pub(crate) const fn pass(inner: F) -> Self {
        Self { state: State::Pass { inner } }
    }

    pub(crate) fn answer(response: Response<Bytes>) -> Self {
        Self { state: State::Answer { response: Some(Box::new(response)) } }
    }

    pub(crate) fn filter(inner: F, job: Job) -> Self {
        Self { state: State::Call { inner, job: Some(Box::new(job)) } }
    }
}

impl<F, B, E> Future for FilterFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<FilteredBody<B>>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut this = self.as_mut().project();
            let (response, job) = match this.state.as_mut().project() {
                StateProj::Pass { inner } => {
                    let response = ready!(inner.poll(cx))?;
                    return Poll::Ready(Ok(response.map(FilteredBody::inner)));
                }
                StateProj::Answer { response } => match response.take() {
                    Some(response) => return Poll::Ready(Ok(response.map(FilteredBody::own))),
                    None => return Poll::Pending,
                },
                StateProj::Call { inner, job } => {
                    let response = ready!(inner.poll(cx))?;
                    let Some(job) = job.take() else { return Poll::Pending };
                    (response, job)
                }
                StateProj::Hold { held } => {
                    let Some(hold) = held.as_mut() else { return Poll::Pending };
                    let released = ready!(hold.poll_released(cx));
                    let Some(hold) = held.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(hold.answer(released)));
                }
            };
            match job.judge(response) {
                Judged::Done(response) => return Poll::Ready(Ok(response)),
                Judged::Hold(held) => this.state.set(State::Hold { held: Some(held) }),
            }
        }
    }
}

impl<F, B> fmt::Debug for FilterFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterFuture").finish_non_exhaustive()
    }
}
