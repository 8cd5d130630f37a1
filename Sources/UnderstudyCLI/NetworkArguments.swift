import ArgumentParser
import Foundation
import Understudy

/// What a network file does not say: its activation.
struct ActivationOptions: ParsableArguments {
  @Option(help: "The networks' activation: relu, leakyRelu or linear.")
  var activation: NetworkSetting.Activation = .relu

  @Option(help: "Slope on the negative side, for leakyRelu (default: 0.01).")
  var leakySlope: Double?

  func validate() throws {
    if leakySlope != nil, activation != .leakyRelu {
      throw ValidationError("--leaky-slope is for --activation leakyRelu; give both, or neither")
    }
    guard (0..<1).contains(leakySlope ?? 0) else {
      throw ValidationError("--leaky-slope \(leakySlope ?? 0): give a number from 0 to below 1")
    }
    if activation == .linear {
      throw ValidationError(
        "--activation linear: a linear network has no boundaries to look at; give relu or leakyRelu")
    }
  }

  /// Whether either differs from what it is by default.
  var isGiven: Bool { activation != .relu || leakySlope != nil }

  var value: Activation { activation == .leakyRelu ? Activation(negativeSlope: leakySlope ?? 0.01) : .relu }
}

extension NetworkSetting.Activation: ExpressibleByArgument {}

/// Writes a file in one step, so that what was there stays if it cannot be written.
func write(_ data: Data, to path: String) throws {
  do {
    try data.write(to: URL(fileURLWithPath: path), options: .atomic)
  } catch {
    throw notWritable(path)
  }
}

/// Writes the network that was made of a student; `maker` is the key in the file that names the student's.
func write(_ network: Network, to path: String, maker: String, of student: String) throws {
  try write(network, to: path, metadata: [maker: student])
}

/// Writes a network with the program's version, its slope, and what else is known of it; keys get the prefix `understudy.`.
func write(_ network: Network, to path: String, metadata: [String: String]) throws {
  let known = ["version": understudyVersion, "negativeSlope": "\(network.activation.negativeSlope)"]
  let prefixed = metadata.merging(known) { $1 }.map { ("understudy.\($0)", $1) }
  try write(NetworkFile.encode(network, metadata: Dictionary(uniqueKeysWithValues: prefixed)), to: path)
}

/// Says so before long work if a folder for new files is not empty, is no folder, or cannot be made.
func checkEmptyFolder(_ path: String) throws {
  var isFolder: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return try checkWritable(path) }
  guard isFolder.boolValue else { throw ExperimentError.input("\(path): is a file; name a new folder") }
  guard FileManager.default.isWritableFile(atPath: path),
    let content = try? FileManager.default.contentsOfDirectory(atPath: path)
  else { throw notWritable(path) }
  guard content.isEmpty else {
    throw ExperimentError.input("\(path): the folder is not empty; name a new one, or an empty one")
  }
}

/// Makes a folder unless it is there.
func makeFolder(_ path: String) throws {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    throw notWritable(path)
  }
}

/// Says so before long work, not after it, if a file's folder is missing or closed, or if the file is a folder.
func checkWritable(_ path: String) throws {
  let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
  var isFolder: ObjCBool = false
  let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
  guard !path.isEmpty, FileManager.default.isWritableFile(atPath: folder), !(exists && isFolder.boolValue) else {
    throw notWritable(path)
  }
}

private func notWritable(_ path: String) -> ExperimentError {
  .input("\(path): cannot be written; check the folder and its permissions")
}
