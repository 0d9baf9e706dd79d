//! Turns that were long for lack of a processor, in virtual time.

use super::super::{
    block::Cause,
    machine::{Action, Machine, Observation},
    turns::{FinishedTurn, Turn, TurnClock},
    usage::{Reading, Usage},
    world::{Doing, SETTINGS, World, ms},
};
use crate::clock::Moment;

#[test]
fn r96_a_turn_that_had_no_processor_is_counted_and_no_block() {
    let mut world = World::new(SETTINGS);
    world.spend(Doing::Sleeping, ms(500));
    for _ in 0..10 {
        world.spend(Doing::Computing, ms(5));
        world.spend(Doing::Starving, ms(90));
    }
    world.look();
    let counts = world.machine.counts();
    assert_eq!((counts.starved, counts.blocks, counts.paused), (1, 0, 0));
    assert!(world.reports.is_empty());
    // With enough of its own it is one.
    world.spend(Doing::Starving, ms(90));
    world.spend(Doing::Computing, ms(110));
    world.look();
    assert_eq!(world.finals().len(), 1);
    assert_eq!(world.finals()[0].cause, Cause::Cpu);
}

#[test]
fn r96_work_before_a_starved_turn_is_not_taken_for_its_own() {
    // 40 ms of its own in 110, at every distance from the watchdog's last look.
    for distance in 0..80 {
        for is_watchdog_starved in [false, true] {
            let mut world = World::new(SETTINGS);
            for _ in 0..20 {
                world.turn(ms(0), Doing::Computing, ms(25));
            }
            world.turn(ms(0), Doing::Computing, ms(distance));
            if is_watchdog_starved {
                world.spend_unwatched(Doing::Starving, ms(70));
                world.spend_unwatched(Doing::Computing, ms(40));
            } else {
                world.spend(Doing::Starving, ms(70));
                world.spend(Doing::Computing, ms(40));
            }
            world.look();
            let counts = world.machine.counts();
            assert_eq!((counts.blocks, counts.starved), (0, 1), "{distance} {is_watchdog_starved}");
        }
    }
}

#[test]
fn r96_a_turn_whose_excess_was_mostly_the_lack_of_a_processor_is_no_block_and_computing_is() {
    use Doing::{Computing, Starving, Waiting};
    // Computed, starved, waited for others that may be starved too: seen on a machine with three busy loops beside it.
    for (computed, starved, waited, is_block) in [
        (50, 136, 39, false),
        (50, 136, 100, false),
        (90, 60, 0, false),
        (150, 400, 0, true),
        (150, 10, 0, true),
        (5, 60, 300, true),
        (0, 0, 150, true),
    ] {
        let mut world = World::new(SETTINGS);
        world.spend(Doing::Sleeping, ms(333));
        let (computing, starving) = (ms(computed) / 4, ms(starved) / 4);
        for _ in 0..4 {
            world.spend(Computing, computing);
            world.spend(Starving, starving);
        }
        world.spend(Waiting, ms(waited));
        world.look();
        let counts = world.machine.counts();
        assert_eq!(counts.blocks, u64::from(is_block), "{computed} {starved} {waited}");
        assert_eq!(counts.starved, u64::from(!is_block), "{computed} {starved} {waited}");
    }
}

#[test]
fn r96_a_collector_whose_helpers_have_no_processor_is_not_the_cause() {
    for (computed, collecting, waiting, cause) in [
        (150, 10, 150, Cause::Cpu),
        (150, 20, 400, Cause::Cpu),
        (40, 60, 60, Cause::Gc),
        (20, 130, 0, Cause::Gc),
    ] {
        let mut world = World::new(SETTINGS);
        world.turn(ms(333), Doing::Computing, ms(computed / 2));
        world.spend(Doing::Computing, ms(computed));
        world.gc(true);
        world.spend(Doing::Computing, ms(collecting));
        world.spend(Doing::Waiting, ms(waiting));
        world.gc(false);
        world.look();
        let block = *world.finals().last().unwrap();
        assert_eq!(block.cause, cause, "{computed} {collecting} {waiting}: {:?}", block.times);
    }
    // Also while it lasts.
    let mut world = World::new(SETTINGS);
    world.spend(Doing::Sleeping, ms(333));
    world.gc(true);
    world.spend(Doing::Computing, ms(700));
    assert!(world.reports[0].is_ongoing);
    assert_eq!(world.reports[0].cause, Cause::Gc);
}

#[test]
fn r96_a_watchdog_without_a_processor_does_not_hide_a_block() {
    for is_told in [true, false] {
        let mut world = World::new(SETTINGS);
        world.spend(Doing::Sleeping, ms(500));
        world.spend(Doing::Computing, ms(50));
        world.starve_watchdog(ms(300), is_told);
        world.spend(Doing::Computing, ms(10));
        world.look();
        assert_eq!(world.finals().len(), 1);
        assert_eq!(world.machine.counts().paused, u64::from(!is_told));
    }
}

#[test]
fn r96_a_thread_kept_from_reading_its_counters_does_not_charge_the_next_turn() {
    let clock = TurnClock::new(ms(100));
    clock.begin(Moment(ms(0)), ms(0), false, Usage::default());
    // 300 ms without a processor between the clock and the counters at the end of a turn of 20 ms, then 40 ms of work.
    let usage = |cpu, run_delay| Usage { cpu: Some(ms(cpu)), run_delay: Some(ms(run_delay)) };
    let kept = Reading { at: Moment(ms(320)), usage: usage(20, 300) };
    assert!(!clock.look(Moment(ms(20)), ms(0), || kept));
    let next = Reading { at: Moment(ms(360)), usage: usage(60, 300) };
    assert!(!clock.look(Moment(ms(360)), ms(0), || next), "a turn of 340 ms");
}

#[test]
fn r96_a_watchdog_kept_from_reading_counters_does_not_lose_a_block_s_work() {
    let usage = |cpu| Usage { cpu: Some(ms(cpu)), run_delay: Some(ms(0)) };
    // It looked at the clock before the turn began, and got to the counters when 200 of 250 ms had been computed.
    let last = Reading { at: Moment(ms(1200)), usage: usage(200) };
    let sample = Reading { at: Moment(ms(999)), usage: usage(0) };
    let turn = Turn { number: 2, start: Moment(ms(1000)), sample: Some(sample), ..Turn::default() };
    let mut machine = Machine::new(SETTINGS);
    let seen =
        |now, reading| Observation { now: Moment(ms(now)), reading, ..Observation::default() };
    machine.step(seen(990, last));
    let finished = FinishedTurn { turn, end: Moment(ms(1250)), usage: usage(250) };
    let end = Reading { at: Moment(ms(1251)), usage: usage(250) };
    let (actions, _) = machine.step(Observation { finished: vec![finished], ..seen(1251, end) });
    let [Action::Report(block)] = actions.as_slice() else { panic!("{actions:?}") };
    assert_eq!(block.times.cpu, Some(ms(250)));
}
