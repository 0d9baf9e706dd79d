//! The requirements of the monitor, in virtual time.

mod spans;
mod starvation;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    block::{Block, Cause},
    machine::{OPEN_AFTER, Settings},
    report::{self, Family, Origin},
    turns::TurnClock,
    usage::{Reading, ThreadState, Usage},
    watchdog::{Outlet, Watch, WatchedLoop},
    world::{Doing, SETTINGS, World, ms},
};
use crate::{clock::Moment, span::owned::OwnedSpan};

fn close(a: Duration, b: Duration) -> bool {
    a.abs_diff(b) <= ms(1)
}

#[test]
fn r88_a_turn_that_reaches_the_threshold_is_one_block_and_a_shorter_one_is_none() {
    let mut world = World::new(SETTINGS);
    for length in [60, 99, 100, 150, 350, 60] {
        world.turn(ms(333), Doing::Computing, ms(length));
    }
    let lengths: Vec<_> = world.finals().iter().map(|it| it.times.elapsed.as_millis()).collect();
    assert_eq!(lengths, [100, 150, 350]);
    assert_eq!(world.machine.counts().blocks, 3);
    assert_eq!(world.machine.counts().longest, ms(350));
    assert!(world.finals().iter().all(|block| block.cause == Cause::Cpu));
}

#[test]
fn r89_the_start_is_when_the_loop_woke_up_whatever_the_wall_clock_does() {
    let mut world = World::new(SETTINGS);
    for sleep in [1, 74, 76, 1000, 12_345] {
        world.spend(Doing::Sleeping, ms(sleep));
        let (woke_at, wall) = (world.now, world.wall);
        world.spend(Doing::Computing, ms(40));
        world.wall += Duration::from_secs(3600); // somebody sets the clock
        world.spend(Doing::Computing, ms(200));
        world.look();
        let block = *world.finals().last().unwrap();
        assert!(close(block.start.0, woke_at.0), "{:?} for {woke_at:?}", block.start);
        assert!(close(block.end.since(block.start), ms(240)));
        assert!(close(block.start_wall, wall), "{:?} for {wall:?}", block.start_wall);
    }
}

#[test]
fn a_block_in_the_first_turn_is_dated_by_the_clock_of_the_day() {
    for first_look in [true, false] {
        let mut world = World::new(SETTINGS);
        let wall = world.wall;
        if first_look {
            world.spend(Doing::Computing, ms(300));
        } else {
            world.spend_unwatched(Doing::Computing, ms(300)); // the watchdog comes to it when it is over
        }
        world.look();
        let block = world.finals()[0];
        assert!(close(block.start_wall, wall), "{:?} for {wall:?}", block.start_wall);
    }
}

#[test]
fn r89_what_is_wide_of_the_start_is_not_counted_as_the_block_s() {
    let mut world = World::new(SETTINGS);
    // Work until just before the block: its CPU time must not make waiting look like computing.
    for _ in 0..50 {
        world.turn(ms(0), Doing::Computing, ms(5));
    }
    world.turn(ms(0), Doing::Waiting, ms(400));
    let block = *world.finals().last().unwrap();
    assert_eq!(block.cause, Cause::Waiting);
    assert!(block.times.cpu.unwrap() <= ms(75), "{:?}", block.times);
}

fn sample_block() -> Block {
    let mut world = World::new(SETTINGS);
    world.turn(ms(500), Doing::Computing, ms(250));
    world.reports.pop().unwrap()
}

struct NoLoop;

impl WatchedLoop for NoLoop {
    fn idle(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }
    fn loop_time_age(&self) -> Option<Duration> {
        None
    }
    fn usage(&self) -> Usage {
        Usage::default()
    }
    fn state(&self) -> ThreadState {
        ThreadState::Unknown
    }
    fn own_usage(&self) -> Usage {
        Usage::default()
    }
    fn is_inspected(&self) -> bool {
        false
    }
    fn request_stack(&self, _: &Arc<Watch>, _: u64) -> bool {
        false
    }
}

#[test]
fn r91_a_watch_that_was_stopped_says_nothing_more_and_can_be_stopped_again() {
    let spans = Arc::new(Mutex::new(Vec::<OwnedSpan>::new()));
    let kept = Arc::clone(&spans);
    let outlet = Outlet::Loop(Box::new(move |span, _| kept.lock().unwrap().push(span)));
    let settings = Settings { threshold: Duration::ZERO, ..SETTINGS };
    let watch =
        Watch::new(settings, Origin::default(), 0.0, Arc::default(), Box::new(NoLoop), outlet);
    // Every turn is a block here, judged at once.
    watch.settle();
    assert_eq!(spans.lock().unwrap().len(), 1);
    watch.stop();
    watch.stop();
    watch.settle();
    watch.settle();
    assert_eq!(spans.lock().unwrap().len(), 1);
    assert_eq!(watch.counts().spans, 1);
}

#[test]
fn r92_a_block_of_the_critical_length_says_so() {
    let mut world = World::new(SETTINGS);
    world.turn(ms(50), Doing::Computing, ms(990));
    world.turn(ms(50), Doing::Computing, ms(1100));
    let severities: Vec<_> = world.finals().iter().map(|it| it.is_critical).collect();
    assert_eq!(severities, [false, true]);
    let origin = Origin::default();
    let span = report::span(world.finals()[1], &origin, &Family::default(), None, None);
    assert_eq!(span.attribute("event_loop.block.severity"), Some(&"critical".into()));
}

#[test]
fn r93_a_turn_without_any_sleep_is_seen_as_well_as_one_after_it() {
    let mut world = World::new(SETTINGS);
    world.turn(ms(0), Doing::Computing, ms(150));
    world.turn(ms(0), Doing::Computing, ms(150));
    world.turn(ms(20), Doing::Computing, ms(150));
    assert_eq!(world.finals().len(), 3);
    assert_eq!(world.requests.len(), 3, "each was seen while it lasted");
}

#[test]
fn r94_a_short_turn_wakes_nobody_and_seldom_asks_for_counters() {
    let clock = TurnClock::new(ms(100));
    clock.begin(Moment::default(), Duration::ZERO, false, Usage::default());
    let mut samples = 0;
    let mut sample = || {
        samples += 1;
        Reading::default()
    };
    for turn in 1..1000 {
        assert!(!clock.look(Moment(ms(turn)), ms(turn / 2), &mut sample));
    }
    assert_eq!(clock.turns(), 1000);
    assert!(clock.take_finished().is_empty());
    assert!(clock.look(Moment(ms(1200)), ms(500), &mut sample));
    assert!((100..=160).contains(&samples), "{samples} in a second");
}

#[test]
fn r94_in_a_storm_most_turns_are_only_counted_and_a_block_is_seen_all_the_same() {
    let clock = TurnClock::new(ms(100));
    let (mut now, micros) = (Moment(ms(1)), Duration::from_micros);
    clock.begin(now, Duration::ZERO, false, Usage::default());
    let stamps = std::cell::Cell::new(0);
    let mut turn = |length: Duration| {
        now = now.after(length);
        let tick = now.0.as_millis() as u64 / 4;
        if clock.skip(|| tick) {
            return None;
        }
        stamps.set(stamps.get() + 1);
        Some(clock.look(now, Duration::ZERO, || Reading { at: now, usage: Usage::default() }))
    };
    for _ in 0..10_000 {
        assert_ne!(turn(micros(1)), Some(true));
    }
    for _ in 0..100 {
        assert_ne!(turn(ms(60)), Some(true), "after a storm, and not yet known to be over");
    }
    for _ in 0..10_000 {
        turn(micros(1));
    }
    assert_eq!(turn(ms(150)), Some(true));
    assert_eq!(clock.turns(), 20_102, "each is counted");
    let stamped = stamps.get();
    assert!(stamped > 300 && stamped < 500, "{stamped} of them are stamped");
    let block = clock.take_finished()[0];
    let length = block.end.since(block.turn.start);
    assert!(length >= ms(150) && length <= ms(154), "{length:?}");
    let delays = clock.delays.snapshot().since(&Default::default());
    assert_eq!(delays.count, 20_101);
    assert!(delays.p50 < 0.01 && delays.max >= 150.0 && delays.mean < 0.5, "{delays:?}");
    // The monitor's own work ends with a stamp.
    for _ in 0..100 {
        turn(micros(1));
    }
    clock.excuse();
    assert_eq!(turn(micros(1)), Some(false));
}

#[test]
fn r95_a_block_that_does_not_end_is_reported_while_it_lasts_once_and_again_when_it_ends() {
    let mut world = World::new(SETTINGS);
    world.spend(Doing::Sleeping, ms(1000));
    let woke_at = world.now;
    world.spend(Doing::Computing, Duration::from_secs(20));
    assert_eq!(world.reports.len(), 1);
    let open = world.reports[0].clone();
    assert!(open.is_ongoing);
    let after = open.end.since(woke_at);
    assert!(after >= ms(100) + OPEN_AFTER && after < ms(1100), "{after:?}");
    assert_eq!(open.stacks.len(), 3, "at 100, 200 and 400 ms");
    world.look();
    let block = world.finals()[0].clone();
    assert_eq!(world.reports.len(), 2);
    assert_eq!(block.stacks.len(), 4, "and at 800 ms");
    let (origin, family) = (Origin::default(), Family::default());
    let opened = report::span(&open, &origin, &family, None, None);
    let closed = report::span(&block, &origin, &family, None, Some(&opened.ids));
    assert_ne!(opened.ids.span_id, closed.ids.span_id);
    assert_eq!(closed.links.first(), Some(&opened.ids));
    assert_eq!(closed.ids.trace_id, opened.ids.trace_id);
    let counts = world.machine.counts();
    assert_eq!((counts.blocks, counts.spans), (1, 2));
}

#[test]
fn stacks_are_asked_for_at_the_threshold_and_never_twice_at_a_time() {
    let mut world = World::new(SETTINGS);
    world.answers = false;
    world.spend(Doing::Sleeping, ms(1000));
    let woke_at = world.now;
    world.spend(Doing::Computing, ms(5000));
    let after: Vec<_> = world.requests.iter().map(|at| at.since(woke_at)).collect();
    assert_eq!(after.len(), 1, "{after:?}");
    assert!(after[0] >= ms(100) && after[0] <= ms(110), "{after:?}");
    world.look();
    // The answer of a turn that is over comes late: it is not the next block's, which may ask again.
    world.answer(2);
    world.answers = true;
    world.turn(ms(500), Doing::Computing, ms(150));
    assert_eq!(world.requests.len(), 2);
    assert_eq!(world.finals()[1].stacks.len(), 1);
    assert!(world.finals()[0].stacks.is_empty());
}

#[test]
fn r96_a_process_that_was_stopped_is_counted_and_no_block() {
    let mut world = World::new(SETTINGS);
    world.spend(Doing::Sleeping, ms(500));
    world.stop(ms(1000), ms(1500)); // asleep, and libuv forgets all of it
    world.spend(Doing::Sleeping, ms(2000));
    world.turn(ms(10), Doing::Computing, ms(10));
    assert_eq!(world.machine.counts().paused, 1);
    world.spend(Doing::Computing, ms(20));
    world.stop(ms(1000), ms(0)); // at work
    world.spend(Doing::Computing, ms(20));
    world.look();
    world.spend(Doing::Sleeping, ms(1000));
    let counts = world.machine.counts();
    assert_eq!((counts.paused, counts.blocks, counts.starved), (2, 0, 0));
    assert!(world.reports.is_empty(), "{:?}", world.reports);
}

#[test]
fn r96_a_block_with_a_stop_in_it_is_still_one() {
    let mut world = World::new(SETTINGS);
    world.spend(Doing::Sleeping, ms(500));
    world.spend(Doing::Computing, ms(300));
    world.stop(ms(1000), ms(0));
    world.spend(Doing::Computing, ms(300));
    world.look();
    assert_eq!(world.finals().len(), 1);
    assert!(world.finals()[0].times.paused >= ms(1000));
}

#[test]
fn r96_a_debugger_s_pause_is_counted_and_no_block() {
    for (is_inspected, blocks) in [(true, 0), (false, 1)] {
        let mut world = World::new(SETTINGS);
        world.is_inspected = is_inspected;
        world.turn(ms(500), Doing::Debugged, ms(5000));
        assert_eq!(world.finals().len(), blocks);
        assert_eq!(world.machine.counts().debugger, 1 - blocks as u64);
        assert_eq!(world.reports.is_empty(), is_inspected);
    }
}

#[test]
fn r97_a_turn_of_the_monitor_itself_is_no_block() {
    let mut world = World::new(Settings { threshold: ms(1), ..SETTINGS });
    world.turn(ms(50), Doing::Computing, ms(5));
    world.spend(Doing::Sleeping, ms(50));
    world.clock.excuse();
    world.spend(Doing::Computing, ms(50));
    world.look();
    world.turn(ms(50), Doing::Computing, ms(5));
    assert_eq!(world.finals().len(), 2);
}

#[test]
fn one_place_makes_so_many_spans_per_minute_and_the_rest_is_counted() {
    let mut world = World::new(Settings { max_per_minute: 3, ..SETTINGS });
    for _ in 0..5 {
        world.turn(ms(100), Doing::Computing, ms(150));
    }
    let counts = world.machine.counts();
    assert_eq!((counts.blocks, counts.spans, counts.suppressed), (5, 3, 2));
    // What was begun is finished.
    let mut world = World::new(Settings { max_per_minute: 1, ..SETTINGS });
    world.turn(ms(100), Doing::Computing, ms(1500));
    assert_eq!(world.reports.len(), 2);
}

#[test]
fn the_cause_is_told_from_what_the_time_went_into() {
    let mut world = World::new(SETTINGS);
    world.turn(ms(200), Doing::Waiting, ms(300));
    world.spend(Doing::Sleeping, ms(200));
    world.gc(true);
    world.spend(Doing::Computing, ms(200));
    world.gc(false);
    world.spend(Doing::Computing, ms(100));
    world.look();
    world.clock.begin(world.now, ms(900), true, world.usage);
    let causes: Vec<_> = world.finals().iter().map(|block| block.cause).collect();
    assert_eq!(causes, [Cause::Waiting, Cause::Gc]);
}

#[test]
fn r114_only_a_turn_of_the_threshold_is_asked_what_it_held_up() {
    let clock = TurnClock::new(ms(100));
    clock.begin(Moment(ms(1000)), Duration::ZERO, false, Usage::default());
    assert!(!clock.ends_long(Moment(ms(1099)), Duration::ZERO));
    assert!(clock.ends_long(Moment(ms(1100)), Duration::ZERO));
    assert!(!clock.ends_long(Moment(ms(1100)), ms(1)), "a millisecond of it was sleep");
    clock.excuse();
    assert!(!clock.ends_long(Moment(ms(1100)), Duration::ZERO), "a turn of the monitor's own");
}
