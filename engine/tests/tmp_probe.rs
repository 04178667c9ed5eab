#![allow(missing_docs)]
mod support;
use support::*;
use codec::Encode;
#[test]
fn probe() {
    let file = std::fs::read(model_path("hostile/wrapping-dim.onnx")).unwrap();
    let v = Version::new(file, vec![floats("x", &[1, 4])], vec![floats("y", &[1, 4])]);
    let r = v.run(&engine(), &vec![tensor(&[1, 4], &[1.0, 2.0, 3.0, 4.0])].encode());
    println!("{:?}", r.map(|r| values(&decode(&r.payload)[0])));
    use support::onnx::*;
    let file = Graph::new()
        .input("x", FLOAT, &[Dim::Size(1), Dim::Size(1), Dim::Name("n")])
        .node_with("MaxPool", &["x"], "y", &[("kernel_shape", &[3])])
        .output("y", FLOAT, &[Dim::Size(1), Dim::Size(1), Dim::Name("m")])
        .file();
    let version = Version::new(file, vec![floats("x", &[1, 1, 0])], vec![floats("y", &[1, 1, 0])]);
    for n in 1..4u32 {
        let p = vec![tensor(&[1, 1, n], &vec![2.0; n as usize])].encode();
        let r = version.run(&engine(), &p);
        println!("{n} {:?}", r.map(|r| decode(&r.payload)));
    }
    let file = std::fs::read(model_path("hostile/deep-graph.onnx")).unwrap();
    let v = Version::new(file, vec![floats("x", &[1, 4])], vec![floats("y", &[1, 4])]);
    let t = std::time::Instant::now();
    let r = v.run(&engine(), &v.zeros());
    println!("deep {:?} {r:?}", t.elapsed());
}
