import Foundation
import Testing

@testable import UnderstudyRecords
@testable import UnderstudySchema

/// A folder of its own for a test, removed when the value goes.
final class TemporaryFolder: Sendable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("understudy-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Writes a file and returns its path.
  @discardableResult
  func write(_ text: String, _ name: String) throws -> String {
    let file = url.appendingPathComponent(name)
    try Data(text.utf8).write(to: file)
    return file.path
  }

  var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
  }
}

/// The study that a text declares, as if it stood in `s.yaml`.
func parse(_ text: String, scale: String? = nil, overrides: [String] = []) throws -> Study {
  try Study.parse(
    text, origin: "s.yaml", folder: URL(fileURLWithPath: "/nowhere"), baseName: "s", scale: scale, overrides: overrides)
}

/// A small study: 2 settings x 2 seeds.
func smallStudy(_ extra: String = "") throws -> Study {
  try parse("name: small\nteacher: {hiddenNodes: 3, strengthDecay: [0, 1]}\nseeds: 2\n" + extra)
}

func record(of run: Run, study: Study, outcome: Outcome = .completed) -> RunRecord {
  RunRecord(
    run: run, outcome: outcome, studyHash: study.hash, version: "0.2.0", machine: "test, portable",
    finishedAt: Date(timeIntervalSince1970: 1_700_000_000), wallSeconds: 1.5, cpuSeconds: 1.25, stepCount: 100_000,
    measurements: [
      MeasuredValue(.evaluationLoss, epoch: 0, values: [0.1 + 0.2]),
      MeasuredValue(.evaluationLoss, epoch: 100, values: [1e-20]),
      MeasuredValue(
        .evaluationCorrelation, epoch: 100, shape: [3, 2], values: [1, -0.5, 1 / 3, 0, .leastNonzeroMagnitude, 0.95]),
      MeasuredValue(.fanOutNorms, epoch: 100, shape: [2], values: [1.25, 0]),
    ])
}

/// The error that `body` throws, if it is of that type.
func thrown<Failure: Error>(_ type: Failure.Type, _ body: () throws -> Void) -> Failure? {
  do {
    try body()
    return nil
  } catch {
    return error as? Failure
  }
}
