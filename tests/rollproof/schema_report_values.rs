//! Reports with every optional field, and with none, as `schema_values` has records.

use rollproof::judge::{
    Advice, Cause, CauseGroup, Check, Converged, Difference, FailedCheck, Failure, HealthStory,
    Judgement, Masked, MaskedKind, Nearest, NodeChange, NodeLoss, PredictedState, Prediction,
    ReplicaStory, ReplicasChanged, RollbackStory, ScenarioJudgement, SelfTestStory,
    ServiceJudgement, StateSeen, StreamStats, TransitionWindow, UpdateStory, Verdict, WrongAnswer,
};
use rollproof::record::{Connection, Expects, Meta, Outcome, Purpose, Route};
use rollproof::stats::{EndOfLine, Gap, HeldStats, Spread};
use rollproof::swarm::UpdateState;

use crate::schema_values::{AT, Optional, text};

impl Optional {
    /// A judgement with each of its parts. `former` has a scenario with a group of failed requests,
    /// which only the judge can make.
    pub fn judgement(self, former: &Judgement) -> Judgement {
        let group = &former.scenarios[0].causes[0];
        let Meta {
            schema_version,
            run_id,
            started_at,
            tool_version,
            command,
            engine,
            stack,
            streams: _,
            negative_control,
            limits,
            against,
            caveats,
        } = self.meta(former);
        Judgement {
            schema_version,
            run_id,
            started_at,
            tool_version,
            command,
            verdict: Verdict::Fail,
            headline: text(),
            because: vec![text()],
            what_to_do: self.list(text()),
            whole: true,
            caveats,
            limits,
            against,
            checks: vec![self.check()],
            self_test_plan: negative_control,
            self_test: self.of(self.self_test()),
            engine,
            stack,
            scenarios: vec![self.scenario(group, &former.scenarios[0])],
        }
    }

    fn check(self) -> Check {
        Check {
            name: "check",
            verdict: Verdict::Fail,
            measured: text(),
            limit: text(),
            because: text(),
            remedy: self.of(text()),
        }
    }

    fn self_test(self) -> SelfTestStory {
        SelfTestStory {
            service: self.of(text()),
            stream: self.of(text()),
            started_at: self.of(AT),
            ended_at: self.of(AT),
            gave_up: self.of(text()),
            answered_before: 1,
            sound_before: true,
            sent: 1,
            failed: 1,
            longest_gap_s: AT,
            old_ended_at: self.of(AT),
            new_started_at: self.of(AT),
            without_container_s: self.of(AT),
        }
    }

    fn scenario(self, group: &CauseGroup, former: &ScenarioJudgement) -> ScenarioJudgement {
        let mut group = group.clone();
        group.answers = self.list(self.wrong_answer());
        group.remedy = self.of(text());
        ScenarioJudgement {
            name: text(),
            expects: Expects::Update,
            must: self.of(self.must()),
            change: text(),
            verdict: Verdict::Fail,
            started_at: AT,
            ended_at: AT,
            end: text(),
            update: self.update(),
            services: self.list(ServiceJudgement {
                service: text(),
                change: text(),
                created: true,
                verdict: Verdict::Fail,
                update: self.update(),
                rollback: self.of(self.rollback()),
                capacity: former.capacity.clone().filter(|_| self.is_set()),
                checks: vec![self.check()],
                advice: self.of(self.advice()),
            }),
            prediction: self.of(Prediction {
                states: vec![PredictedState { state: UpdateState::Completed, at_s: AT }],
                finished_s: self.of(AT),
                churns: true,
                touched: 1,
                difference: self.of(Difference {
                    what: text(),
                    rule: text(),
                    setting: self.of("update_config.order"),
                }),
            }),
            nodes: self.list(NodeLoss {
                node: text(),
                name: text(),
                change: NodeChange::Down,
                last_sign: self.of(AT),
                noticed_at: AT,
                tasks: 1,
            }),
            rollback: self.of(self.rollback()),
            capacity: former.capacity.clone().filter(|_| self.is_set()),
            health: vec![self.health_story()],
            replicas: vec![ReplicaStory {
                slot: 1,
                task: text(),
                version: 1,
                answers_after_running_s: self.of(AT),
                answers_after_told_to_stop_s: self.of(AT),
                answered: 1,
                failed_while_serving: 1,
            }],
            masked: vec![Masked {
                kind: MaskedKind::Held,
                stream: text(),
                count: 1,
                worst_latency_s: AT,
                because: text(),
            }],
            streams: vec![self.stream_stats(&former.streams[0])],
            transition_windows: vec![TransitionWindow {
                stream: text(),
                length_s: AT,
                sent: 1,
                failed: 1,
                error_rate_upper_95: 0.1,
            }],
            outage: former.outage,
            failed: 1,
            failures: vec![self.failure(group.cause)],
            failed_requests: Vec::new(),
            causes: vec![group],
            checks: vec![self.check()],
            loss_advice: self.of(self.advice()),
            advice: self.of(self.advice()),
        }
    }

    fn wrong_answer(self) -> WrongAnswer {
        WrongAnswer {
            slot: 1,
            task: text(),
            version: 1,
            status: self.of(500),
            body: self.of(text()),
            failed: 1,
            answered: 1,
        }
    }

    fn update(self) -> UpdateStory {
        let converged = Converged {
            new_tasks_running: self.of(AT),
            status_terminal: self.of(AT),
            last_old_gone: self.of(AT),
        };
        UpdateStory {
            submitted_at: self.of(AT),
            states: vec![StateSeen { state: UpdateState::Updating, at: AT, message: text() }],
            final_state: UpdateState::Completed,
            rolled_back: true,
            spec_restored: self.of(true),
            replicas_changed: self.of(ReplicasChanged { from: 1, to: 2 }),
            converged,
            converged_after_s: converged,
            took_s: self.of(AT),
        }
    }

    fn rollback(self) -> RollbackStory {
        RollbackStory {
            trigger_task: self.of(text()),
            trigger_slot: self.of(1),
            trigger_error: self.of(text()),
            trigger_arithmetic: self.of(text()),
            trigger_log: self.list(text()),
            failure_at: self.of(AT),
            started_at: AT,
            completed_at: self.of(AT),
            capacity_restored_at: self.of(AT),
        }
    }

    fn health_story(self) -> HealthStory {
        HealthStory {
            task: text(),
            slot: 1,
            generation: 1,
            checks: 1,
            failed: 1,
            longest_s: AT,
            arithmetic: self.of(text()),
            failures: vec![FailedCheck {
                at: AT,
                after_start_s: AT,
                took_s: AT,
                exit_code: 1,
                streak: self.of(1),
                output: text(),
            }],
        }
    }

    fn stream_stats(self, former: &StreamStats) -> StreamStats {
        let held = HeldStats {
            connections: 1,
            cut: 1,
            closed: 1,
            moved: 1,
            not_back: 1,
            longest_back_s: self.of(AT),
            ends: self.list(EndOfLine {
                at: AT,
                line: 0,
                held_s: AT,
                outcome: Outcome::Cut,
                code: self.of(1001),
                replica: self.of(text()),
                back_s: self.of(AT),
            }),
        };
        StreamStats {
            name: text(),
            address: self.of(text()),
            purpose: Purpose::Users,
            route: Route::Published,
            connection: Connection::Held,
            rate_hz: 1.0,
            sent: 1,
            unsent: 1,
            unsent_by_reason: former.unsent_by_reason.clone(),
            missing: 1,
            failed: 1,
            failed_by_class: former.failed_by_class.clone(),
            longest_gap_s: AT,
            still_failing: true,
            total_bad_s: AT,
            gaps: vec![Gap { start: AT, end: AT, failed: 1, open: true }],
            success_to_success_s: self.of(AT),
            resolution_s: AT,
            error_rate_upper_95: 0.1,
            lag_s: self.of(Spread::default()),
            latency_s: self.of(Spread::default()),
            replicas_seen: 1,
            held: self.of(held),
        }
    }

    fn failure(self, cause: Cause) -> Failure {
        Failure {
            stream: text(),
            at: AT,
            class: Outcome::Cut,
            replica: self.of(text()),
            version: self.of(text()),
            reused: true,
            nearest: self.of(Nearest {
                service: self.of(text()),
                event: "stopped",
                slot: 1,
                task: text(),
                dt_s: AT,
            }),
            cause,
            because: text(),
        }
    }

    fn advice(self) -> Advice {
        Advice {
            because: text(),
            place: self.of(text()),
            block: self.of("deploy"),
            lines: self.list(text()),
            text: self.of(text()),
            rule: self.of("SRU013"),
        }
    }
}
